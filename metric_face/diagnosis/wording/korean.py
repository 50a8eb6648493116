"""Korean wording of everything a diagnosis says; the keys and fields are those of ``wording_en``."""

FINDINGS: dict[str, dict[str, str]] = {
    "leak.identity": {
        "title": "같은 사람이 학습과 검증에 모두 있습니다",
        "number": "검증 이미지의 {value:.0%}",
        "sentence": (
            "검증에 있는 {of}명 중 {identities}명의 이미지가 학습에도 있습니다. 검증 점수의 일부는 모델이 "
            "그 사람을 기억하는지를 잽니다."
        ),
        "next": ("사람 단위로 나누고(split_by_identity) 다시 학습하세요. 그 전의 점수는 비교할 수 없습니다."),
    },
    "leak.exact": {
        "title": "검증에 학습 이미지의 완전한 사본이 있습니다",
        "number": "이미지 {of}장 중 {images}장",
        "sentence": "검증 이미지 {images}장이 바이트까지 똑같이 학습에도 있습니다.",
        "next": "사본은 한쪽에만 두세요. 같은 사람으로 묶거나 지운 뒤 다시 나누세요.",
    },
    "leak.near": {
        "title": "검증에 학습 이미지와 거의 같은 이미지가 있습니다",
        "number": "이미지 {of}장 중 {images}장",
        "sentence": (
            "검증 이미지 {images}장이 다른 사람으로 적힌 학습 이미지와 같은 사진입니다. 픽셀이 같거나, 학습 "
            "세트의 서로 다른 두 사람보다 훨씬 가깝습니다."
        ),
        "next": "쌍을 눈으로 확인하고, 거의 같은 이미지는 한 사람으로 묶어 다시 나누세요.",
    },
    "boundary.moved": {
        "title": "{attribute} 경계가 학습과 검증에서 다릅니다",
        "number": "검증 레이블의 {value:.1%}",
        "sentence": (
            "{attribute} 레이블의 경계가 학습에서는 {train}, 검증에서는 {validation}입니다. 검증 레이블 "
            "{images}개는 학습이 가르친 것과 다른 문제를 묻습니다."
        ),
        "next": (
            "두 쪽 레이블을 같은 경계로 만드세요. 경계는 예측에서만 옮기고, 점수는 원래 레이블로 매기세요."
        ),
    },
    "views.crop": {
        "title": "평가에서는 학습 때 잘라낸 부분까지 보입니다",
        "number": "학습에 없던 부분 {value:.0%}",
        "sentence": (
            "학습은 이미지의 {train:.0%}를, 평가는 {evaluation:.0%}를 봅니다. 평가에 보이는 것의 "
            "{value:.0%}는 학습에 한 번도 없었고, 크기도 다르게 보입니다."
        ),
        "next": "학습의 고정된 크롭을 평가에도 똑같이 적용하세요.",
    },
    "views.crop_evaluation": {
        "title": "평가가 학습에서 늘 보던 부분을 잘라냅니다",
        "number": "잘려 나간 부분 {value:.0%}",
        "sentence": "학습은 이미지의 {train:.0%}를, 평가는 {evaluation:.0%}를 봅니다.",
        "next": "학습이 보는 것과 같은 부분으로 평가하세요.",
    },
    "views.missing": {
        "title": "학습 변환의 한 단계가 평가에 없습니다",
        "number": "{value:.0f}단계",
        "sentence": "학습은 무작위가 아닌 {steps} 단계를 적용하지만 평가는 적용하지 않습니다.",
        "next": "평가에도 적용하세요.",
    },
    "views.extra": {
        "title": "학습에 없는 단계가 평가에 있습니다",
        "number": "{value:.0f}단계",
        "sentence": "평가는 {steps} 단계를 적용하지만 학습은 적용하지 않습니다.",
        "next": "둘 다 적용하거나 둘 다 빼세요.",
    },
    "views.normalize": {
        "title": "학습과 평가의 정규화가 다릅니다",
        "number": "대비의 {value:.0%}",
        "sentence": "같은 이미지가 두 변환을 지나면 밝기 수준이 대비의 {value:.0%}만큼 어긋납니다.",
        "next": "두 쪽에 같은 평균과 표준편차를 쓰세요.",
    },
    "views.random_evaluation": {
        "title": "평가 변환이 무작위입니다",
        "number": "이미지 하나에 결과 둘",
        "sentence": "평가 변환이 같은 이미지에 서로 다른 결과를 냅니다. 검증이 증강되고 있습니다.",
        "next": "평가 변환에서 무작위 단계를 모두 빼세요.",
    },
    "epoch.short": {
        "title": "에폭이 약속보다 일찍 끝납니다",
        "number": "배치 {promised}개 중 {yielded}개",
        "sentence": (
            "에폭이 배치 {promised}개를 약속하고 {yielded}개만 냅니다. 스케줄, 평균, 진행률이 실제로 "
            "없는 에폭을 기준으로 합니다."
        ),
        "next": "길이와 실제 배치 수가 같은 샘플러를 쓰고, 그 수로 스케줄을 짜세요.",
    },
    "epoch.drift": {
        "title": "에폭이 진행되면서 클래스 구성이 바뀝니다",
        "number": "구성의 {value:.0%}",
        "sentence": (
            "에폭의 처음 1/3과 마지막 1/3은 클래스 구성이 {value:.0%} 다르고, 끝에는 {classes}개 클래스 "
            "중 {missing}개가 사라집니다. 에폭 안에서 내려가는 손실은 학습이 아니라 구성의 변화입니다."
        ),
        "next": "모든 클래스를 에폭 전체에 고르게 펴는 샘플러(RandomIdentitySampler)를 쓰세요.",
    },
    "epoch.unseen": {
        "title": "많은 학습 이미지가 한 번도 쓰이지 않습니다",
        "number": "{value:.0%} 미사용",
        "sentence": (
            "{epochs}개 에폭 동안 학습 이미지 {trained}장 중 {unseen}장이 한 번도 뽑히지 "
            "않았습니다(통째로 빠진 사람 {nobody}명)."
        ),
        "next": '모든 이미지를 도는 샘플러(coverage="images")를 쓰거나 에폭마다 새로 뽑으세요.',
    },
    "basics.learning_rate": {
        "title": "실제로 적용된 학습률이 계획과 다릅니다",
        "number": "계획의 {value:.2g}배",
        "sentence": (
            "옵티마이저가 쓴 학습률의 중앙값은 {applied:.2g}이고 계획은 {planned:.2g}였습니다(계획 "
            "최댓값 {highest:.2g})."
        ),
        "next": "이 옵티마이저에 연결된 스케줄러를, 설계된 간격으로 한 번씩만 진행시키세요.",
    },
    "basics.frozen": {
        "title": "가중치가 움직이지 않습니다",
        "number": "한 단계에 크기의 {value:.1g}배",
        "sentence": (
            "한 단계에 가중치가 크기의 {value:.1g}배만 변합니다. 보통은 {usual:g} 정도입니다. 이 "
            "속도로는 아무것도 배울 수 없습니다."
        ),
        "next": "실제 학습률, 고정된 파라미터, 기울기 클리핑을 확인하세요.",
    },
    "basics.checkpoint": {
        "title": "체크포인트를 다른 지표로 골랐습니다",
        "number": "macro F1 {value:.3f} 손실",
        "sentence": (
            "{monitor} 기준으로 고른 체크포인트의 macro F1은 {chosen:.3f}이고, 가장 좋은 에폭은 "
            "{best:.3f}였습니다."
        ),
        "next": "평가받는 지표로 체크포인트를 고르세요.",
    },
    "basics.drop_last": {
        "title": "검증에서 빠지는 이미지가 있습니다",
        "number": "{value:.1%} 누락",
        "sentence": (
            "검증에 drop_last가 켜져 있고 배치 크기가 {batch}입니다. 이미지 {images}장 중 {lost}장은 "
            "채점되지 않습니다."
        ),
        "next": "검증 로더에서 drop_last=False로 두세요.",
    },
    "basics.label_smoothing": {
        "title": "레이블 스무딩이 요청과 다릅니다",
        "number": "{wanted:g} 대신 {real:g}",
        "sentence": "레이블 스무딩 {wanted:g}를 요청했지만 실제로는 {real:g}가 적용되었습니다.",
        "next": "그 값을 손실 함수까지 전달하세요.",
    },
    "basics.missing_class": {
        "title": "학습에 없던 클래스를 검증이 묻습니다",
        "number": "{classes}개 클래스 중 {missing}개",
        "sentence": (
            "검증의 {classes}개 클래스 중 {missing}개는 학습 이미지가 없습니다({names}). 각각 F1이 0으로 "
            "계산됩니다."
        ),
        "next": "결합 클래스로 층화해 나누거나, 그 클래스를 뺀 점수임을 밝히세요.",
    },
    "floors.absent": {
        "title": "F1 손실이 더 내려갈 수 없는 바닥에 있습니다",
        "number": "{value:.3f}, 바닥 {floor:.3f}",
        "sentence": (
            "{part}의 마지막 값은 {value:.3f}입니다. 배치에 {classes}개 중 {present:.1f}개 클래스만 있을 "
            "때, 없는 클래스를 실패로 세는 soft F1은 {floor:.3f} 아래로 내려갈 수 없습니다."
        ),
        "next": "배치에 있는 클래스만 평균하거나(SoftF1Loss), 배치에 더 많은 클래스를 넣으세요.",
    },
    "floors.margin": {
        "title": "메트릭 손실이 마진에 머물러 있습니다",
        "number": "{value:.3f}, 마진 {floor:.3f}",
        "sentence": (
            "{part}의 마지막 값 {value:.3f}은 모든 거리가 같을 때의 값입니다. 배운 것이 없거나 임베딩이 "
            "한 점으로 오그라들었습니다."
        ),
        "next": (
            "부드러운 마이닝(batch_all, semi_hard)이나 낮은 학습률로 시작하고, 임베딩 상태를 확인하세요."
        ),
    },
    "floors.chance": {
        "title": "분류기가 아직 찍고 있습니다",
        "number": "{value:.3f}, ln C {floor:.3f}",
        "sentence": ("{part}의 마지막 값 {value:.3f}은 모든 이미지에 같은 답을 낼 때의 교차 엔트로피입니다."),
        "next": "레이블과 이미지가 서로 맞는지, 헤드의 파라미터가 학습되는지 확인하세요.",
    },
    "health.flat": {
        "title": "임베딩이 몇 개 방향으로 무너졌습니다",
        "number": "{width}차원 중 {dimensions:.1f}차원",
        "sentence": (
            "임베딩의 분산이 {width}차원 중 {dimensions:.1f}개 방향에 몰려 있습니다. 이 클래스들을 "
            "가르려면 {needed}개쯤 필요합니다."
        ),
        "next": (
            "메트릭 손실의 가중치를 낮추거나, 부드러운 마이닝으로 시작하거나, 헤드 앞에 배치 정규화를 두세요."
        ),
    },
    "health.one_point": {
        "title": "모든 임베딩이 같은 쪽을 가리킵니다",
        "number": "평균 코사인 {mean_cosine:.2f}",
        "sentence": (
            "서로 다른 사람의 이미지 사이 평균 코사인이 {mean_cosine:.2f}입니다. 임베딩이 거의 한 "
            "점이어서 거리에 뜻이 별로 없습니다."
        ),
        "next": "임베딩의 중심을 맞추고(BNNeck), 부드러운 마이닝으로 시작하고, 학습률을 낮추세요.",
    },
    "label_errors.wrong": {
        "title": "{attribute} 레이블이 틀린 것으로 보입니다",
        "number": "레이블 {suspects}개, {value:.1%}",
        "sentence": (
            "{attribute} 레이블 {suspects}개({low:.1%}~{high:.1%})가 다른 사람들로 배운 모델의 판단이나 "
            "그 사람의 다른 이미지({inconsistent}개)와 어긋납니다. 가장 흔한 것은 '{seen}'으로 보이는데 "
            "'{written}'으로 적힌 경우입니다. cleanlab만으로는 이 중 {cleanlab}개를 지목합니다."
        ),
        "next": "얼굴을 보고 레이블을 고친 뒤 다시 학습하세요.",
    },
    "label_errors.swapped": {
        "title": "일부 사람의 {attribute} 레이블이 서로 바뀌었습니다",
        "number": "{identities}명",
        "sentence": (
            "{of}명 중 {identities}명은 '{first}'와 '{second}'를 맞바꿀 때 훨씬 잘 맞습니다(이미지 {images}장)."
        ),
        "next": "얼굴을 보고 이 사람들의 두 레이블을 맞바꾸세요.",
    },
    "label_errors.copies": {
        "title": "똑같은 이미지에 다른 {attribute} 레이블이 붙어 있습니다",
        "number": "이미지 {groups}종",
        "sentence": (
            "{groups}종의 이미지가 서로 다른 {attribute} 레이블로 두 번 이상 나옵니다. 적어도 하나는 "
            "틀렸습니다."
        ),
        "next": "고치거나 지우세요.",
    },
    "overlap.classes": {
        "title": "두 클래스는 다른 점보다 겹치는 점이 많습니다",
        "number": "겹침 {value:.2f}",
        "sentence": (
            "'{first}'와 '{second}'는 둘을 가장 잘 가르는 방향에서도 {value:.2f}만큼 "
            "겹칩니다({low:.2f}~{high:.2f}, 같은 클래스라면 {null:.2f}). 그 방향에서는 어떤 규칙으로도 "
            "{best:.0%}를 넘게 맞힐 수 없습니다. 모두 {pairs}쌍입니다."
        ),
        "next": (
            "경계에 가장 가까운 얼굴을 보세요. 사람도 구별하지 못하면 클래스를 합치거나 구별할 정보를 더 "
            "모으고, 사람이 구별한다면 해상도를 높이거나 이 쌍을 따로 학습하세요."
        ),
    },
    "information.lost": {
        "title": "학습이 정보를 버렸습니다",
        "number": "macro F1 {value:.3f} 손실",
        "sentence": (
            "선형 프로브의 점수가 학습 전 백본의 특징에서는 {before:.3f}, 학습된 임베딩에서는 "
            "{after:.3f}입니다."
        ),
        "next": "백본의 학습률을 낮추거나, 임베딩을 넓히거나, 더 일찍 멈추세요.",
    },
    "conflict.opposed": {
        "title": "두 손실이 서로 반대로 당기고, 그 대가가 있습니다",
        "number": "kappa {value:.2f}",
        "sentence": (
            "두 손실의 기울기가 {degrees:.0f}도로 만납니다(kappa {value:.2f}, {low:.2f}~{high:.2f}). "
            "둘을 함께 쓰면 '{best}'만 쓸 때보다 {gap:+.3f}입니다({gap_low:+.3f}~{gap_high:+.3f})."
        ),
        "next": (
            "둘 사이에 배치 정규화를 두거나(BNNeck), 한쪽 가중치를 낮추거나, '{best}'만으로 학습하세요."
        ),
    },
    "conflict.suspected": {
        "title": "두 손실이 서로 반대로 당깁니다",
        "number": "kappa {value:.2f}",
        "sentence": (
            "두 손실의 기울기가 {degrees:.0f}도로 만납니다(kappa {value:.2f}, {low:.2f}~{high:.2f}). "
            "실제로 손해인지는 비교해 봐야 압니다."
        ),
        "next": "같은 예산으로 세 갈래(메트릭 손실, 헤드, 둘 다)를 시드 3개씩 학습해 runs로 주세요.",
    },
    "worth.hurts": {
        "title": "메트릭 손실이 주는 것보다 잃는 것이 많습니다",
        "number": "macro F1 {value:+.3f}",
        "sentence": (
            "같은 예산에서 메트릭 손실이 있으면 {both:.3f}, 없으면 {head:.3f}입니다(시드 {seeds}개, "
            "{low:+.3f}~{high:+.3f})."
        ),
        "next": "빼거나 가중치를 낮추세요.",
    },
    "shift.prior": {
        "title": "예측할 이미지의 클래스 비율이 다릅니다",
        "number": "{null:.0%}가 아니라 {value:.0%}",
        "sentence": (
            "'{name}'({attribute})은 학습의 {training:.1%}이지만 레이블 없는 이미지에서는 약 "
            "{value:.1%}입니다({low:.1%}~{high:.1%}, BBSE {bbse:.1%}). 예측을 세면 {echoed:.1%}입니다."
        ),
        "next": "클래스를 고르기 전에 확률을 두 비율의 비로 보정하세요.",
    },
    "shift.domain": {
        "title": "예측할 이미지가 검증 이미지와 다르게 생겼습니다",
        "number": "AUC {value:.2f}",
        "sentence": (
            "선형 분류기가 레이블 없는 이미지와 검증 이미지를 AUC {value:.2f}({low:.2f}~{high:.2f})로 "
            "구별합니다."
        ),
        "next": "두 세트를 눈으로 비교하고(카메라, 크롭, 압축), 새 세트에 맞춰 증강하세요.",
    },
    "resolution.too_coarse": {
        "title": "이 검증 세트는 판단하기에 너무 작습니다",
        "number": "{value:.3f}보다 작은 차이",
        "sentence": (
            "이 모델과 이웃의 예측으로 보면, 검증에 {identities}명뿐이어서 macro F1의 {value:.3f}보다 작은 차이는 "
            "잡음입니다. 잡음이 가장 많이 나오는 클래스는 {class_identities}명의 '{class}'입니다."
        ),
        "next": "사람 단위 교차 검증을 쓰세요. 0.02의 차이를 보려면 약 {needed}명이 필요합니다.",
    },
}

VERDICTS = {
    "supported": "그렇습니다",
    "not_supported": "그렇지 않습니다",
    "cannot_tell": "알 수 없습니다",
}

HYPOTHESES = {
    "A": "클래스들은 다른 점보다 겹치는 점이 많은가?",
    "B": "두 손실은 임베딩을 서로 배타적인 방향으로 당기는가?",
}

REASONS = {
    "A.shared": (
        "{pairs}쌍 중 {shared}쌍이 절반 넘게 겹칩니다. 가장 넓은 것은 '{first}'와 '{second}'로 "
        "{value:.2f}입니다({low:.2f}~{high:.2f})."
    ),
    "A.apart": (
        "{pairs}쌍 중 가장 넓은 겹침은 '{first}'와 '{second}'의 {value:.2f}입니다({low:.2f}~{high:.2f}). "
        "0.5를 넘어야 겹치는 점이 더 많은 것입니다."
    ),
    "A.neighbors_part": (
        "선형 프로브로는 '{first}'와 '{second}'가 {value:.2f}만큼 겹치지만({low:.2f}~{high:.2f}) "
        "이웃으로는 구별됩니다. 정보는 있으나 직선 위에 있지 않습니다."
    ),
    "A.interval_holds_half": (
        "가장 넓은 겹침은 '{first}'와 '{second}'의 {value:.2f}이고, 구간 {low:.2f}~{high:.2f}가 0.5를 "
        "품습니다. 검증에 사람이 더 있으면 가려집니다."
    ),
    "A.few_identities": "판단할 이미지에서 두 클래스 모두 {fewest}명이 되는 쌍이 없습니다.",
    "A.no_attribute": "새로운 사람에게 예측할 수 있는 속성이 없습니다. 클래스마다 한 사람뿐입니다.",
    "B.opposed": (
        "kappa {value:.2f}({low:.2f}~{high:.2f})이고, 두 손실을 함께 쓰면 '{best}'만 쓸 때보다 "
        "{gap:+.3f}입니다({gap_low:+.3f}~{gap_high:+.3f})."
    ),
    "B.not_opposed": "kappa {value:.2f}({low:.2f}~{high:.2f})로, 문제가 될 만한 대립은 없습니다.",
    "B.interval_holds_zero": (
        "kappa {value:.2f}의 구간 {low:.2f}~{high:.2f}가 0을 품습니다. 더 자주 재어 기록하세요."
    ),
    "B.lengths_only": (
        "kappa {value:.2f}({low:.2f}~{high:.2f})이지만 임베딩의 길이 방향에서만 그렇습니다. 정규화하거나 "
        "손실 사이에 배치 정규화를 두세요."
    ),
    "B.no_arms": (
        "kappa {value:.2f}({low:.2f}~{high:.2f})로 대립하지만, 손해인지 보려면 같은 예산의 세 "
        "갈래(메트릭 손실, 헤드, 둘 다)가 필요합니다."
    ),
    "B.outcome_no_worse": (
        "kappa {value:.2f}({low:.2f}~{high:.2f})이지만, 두 손실을 함께 써서 '{best}'만 쓸 때보다 "
        "나빠졌다고 할 수 없습니다: {gap:+.3f}({gap_low:+.3f}~{gap_high:+.3f})."
    ),
    "B.no_log": "학습 기록이 없습니다.",
    "B.no_angles": (
        "학습 기록에 두 손실의 각도가 없습니다. 손실이 하나뿐이거나, 측정이 너무 적거나, 배치에 한 "
        "클래스의 이미지가 4장보다 적습니다."
    ),
}

ABSTENTIONS = {
    "failed": "답할 수 없었습니다: {why}",
    "no_attribute": "새로운 사람에게 예측할 수 있는 속성이 없습니다",
    "no_batches": "학습에 쓴 배치가 주어지지 않았습니다",
    "no_log": "학습 기록이 없습니다",
    "no_loss_parts": "기록에 손실의 부분들이 없습니다",
    "no_transforms": "변환이 주어지지 않았습니다",
    "no_split": "학습과 검증의 구분이 없습니다",
    "no_identities": "누가 찍혔는지 주어지지 않아 양쪽에 있는 사람을 찾을 수 없습니다",
    "no_raw_values": "클래스의 바탕이 되는 원래 값이 있는 속성이 없습니다",
    "no_angles": "기록에 두 손실의 각도가 없습니다",
    "no_arms": "메트릭 손실이 있는 학습과 없는 학습이 시드 {fewest}개씩 필요합니다",
    "no_unlabeled": "레이블 없는 세트가 없습니다",
    "few_identities_in_class": "'{name}'({attribute})은 {identities}명뿐이며 {fewest}명이 필요합니다",
}

QUESTIONS = {
    "leak": "검증에 학습이 본 것이 있는가?",
    "boundary": "경계가 같은 곳에 있는가?",
    "views": "학습과 평가가 같은 것을 보는가?",
    "epoch": "학습이 약속된 것을 보았는가?",
    "basics": "기본이 맞는가?",
    "floors": "바닥에 멈춘 손실이 있는가?",
    "health": "임베딩은 건강한가?",
    "label_errors": "레이블이 틀렸는가?",
    "overlap": "클래스가 겹치는가?",
    "information": "정보가 있는가?",
    "conflict": "손실이 서로 반대로 당기는가?",
    "worth": "메트릭 손실은 값을 했는가?",
    "shift": "새 이미지는 다른가?",
    "resolution": "이 검증 세트는 무엇을 보여 줄 수 있는가?",
    "budget": "오류는 어디에 있는가?",
}

CONFIDENCE = {
    "certain": "확실",
    "likely": "유력",
    "possible": "가능성",
}

TIERS = {
    "spoiler": "다른 수치를 믿을 수 없게 함",
    "cause": "macro F1을 깎음",
    "limit": "볼 수 있는 것의 한계",
}

SUMMARY = {
    "score": "Macro F1 {value:.3f}({low:.3f}~{high:.3f}), {identities}명의 이미지 {images}장, {who}.",
    "score_point": "Macro F1 {value:.3f}, {identities}명의 이미지 {images}장, {who}.",
    "score_images": "Macro F1 {value:.3f}({low:.3f}~{high:.3f}), 이미지 {images}장, {who}.",
    "model": "모델의 예측",
    "probe": "본 적 없는 사람에 대한 프로브의 예측",
    "finding": "{rank}. {title} [{confidence}{gain}]. {sentence}",
    "gain": ", macro F1 {explained:.3f}",
    "next": "   -> {next}",
    "more": "   그 밖의 {count}가지는 보고서에 있습니다.",
    "none": "이 학습을 막는 것을 찾지 못했습니다.",
    "none_resolution": (
        "이 학습을 막는 것을 찾지 못했습니다. 이 검증 세트로는 macro F1의 {difference:.3f}보다 작은 "
        "차이를 볼 수 없습니다."
    ),
    "answer": "{hypothesis}. {question} {verdict}: {reason}",
    "budget": (
        "오류의 {share:.0%}는 {attribute}만 틀린 것입니다. 완벽하다면 macro F1은 {perfect:.3f}입니다."
    ),
}

PAGE = {
    "title": "왜 더 좋아지지 않을까?",
    "lead_score": (
        "Macro F1 {value:.3f}({low:.3f}~{high:.3f}), 따로 떼어 둔 {identities}명의 이미지 {images}장, {who}."
    ),
    "lead_all": "Macro F1 {value:.3f}({low:.3f}~{high:.3f}), {identities}명의 이미지 {images}장, {who}.",
    "lead_point": "Macro F1 {value:.3f}, {identities}명의 이미지 {images}장, {who}.",
    "verdicts": "무엇이 막고 있는가",
    "rule": "다른 수치를 믿을 수 없게 만드는 것이 먼저, 그다음은 macro F1을 많이 깎는 순서입니다.",
    "none": "이 학습을 막는 것을 찾지 못했습니다. 판단하지 못한 것은 페이지 끝에 있습니다.",
    "hypotheses": "두 질문, 두 대답",
    "explains": "macro F1 {explained:.3f}에 해당",
    "next": "다음에 할 일",
    "evidence": "이것을 보세요",
    "controls": "무작위로 고른 이것과 견주어",
    "pairs": "나란히: 검증, 학습, 검증, ...",
    "identities_images": "{identities}명, 이미지 {images}장",
    "images_only": "이미지 {images}장",
    "interval": "95% 구간 {low}~{high}",
    "null": "문제가 없다면 {null}",
    "map": "지도",
    "map_lead": (
        "점 하나가 이미지 하나이며, 가장 닮은 다른 사람의 이미지 곁에 있습니다. 배치에는 레이블을 쓰지 "
        "않았습니다."
    ),
    "matrix": "누가 누구 사이에 있는가",
    "matrix_lead": (
        "클래스마다 이웃이 어느 클래스인지입니다. 같은 사람의 이미지는 빼고 클래스 크기를 보정했습니다. "
        "칸을 고르면 이미지가 보입니다."
    ),
    "overlaps": "클래스 쌍",
    "overlaps_lead": (
        "두 클래스를 가장 잘 가르는 방향의 점수이며, 그 방향이 본 적 없는 사람으로 쟀습니다. 어두운 "
        "부분이 겹칩니다."
    ),
    "boundary": "경계 근처",
    "boundary_lead": "원래 값에 따른 오류율과 사람 단위 95% 띠입니다.",
    "training": "학습 과정",
    "training_lead": "기록이 말하는 것입니다.",
    "information": "정보가 있는가",
    "information_lead": (
        "같은 임베딩을 점점 강한 다섯 분류기로 읽었습니다. 어느 것도 판단 대상인 사람을 본 적이 없습니다."
    ),
    "errors": "오류는 어디에 있는가",
    "shift": "새 이미지",
    "numbers": "모든 수치",
    "numbers_lead": "같은 수치가 report.json에 있습니다.",
    "abstained": "판단하지 못한 것",
    "method": "어떻게 쟀는가",
    "method_notes": (
        "같은 사람의 이미지끼리는 비교하지 않습니다. 구간은 이미지가 아니라 사람을 200번 다시 뽑아 "
        "얻습니다. 귀무 분포는 레이블을 사람 사이에서, 속성이 한 사람 안에서 변하면 그 사람 안에서 "
        "섞습니다. 한 클래스에 30명이 되지 않으면 말하지 않습니다. 프로브의 점수는 그 사람을 보지 않은 "
        "폴드에서 나옵니다. 시드 {seed}, {seconds:.0f}초."
    ),
    "score": "점수",
    "share": "이미지 비율",
    "overlap_title": "{first} / {second}: {overlap:.2f}",
    "error": "오류율",
    "kappa": "kappa",
    "step": "단계",
    "epoch": "에폭",
    "no_opposition": "0보다 작으면 두 손실이 서로 반대로 당깁니다.",
    "yes": "맞음",
    "no": "틀림",
    "prediction": "예측",
    "part": "구분",
    "suspect": "발견",
    "labels_of": "레이블",
    "joint": "결합 클래스",
    "train_sees": "학습이 보는 부분",
    "evaluation_sees": "평가가 보는 부분",
    "macro_f1": "macro F1",
    "metric_loss": "메트릭 손실",
    "heads_loss": "헤드",
}

RUNGS = {
    "majority": "가장 흔한 클래스",
    "knn": "최근접 이웃 10개",
    "centroid": "가장 가까운 클래스 평균",
    "linear": "선형 프로브",
    "mlp": "작은 신경망",
}

TABLES = {
    "leak.counts": "구분을 넘는 누출",
    "boundary.curve": "원래 값에 따른 오류율: {name}",
    "boundary.near": "경계 근처의 오류: {name}",
    "boundary.sweep": "예측값의 경계를 옮길 때의 macro F1(원래 레이블): {name}",
    "views.seen": "변환이 보는 것",
    "epoch.audit": "배치",
    "epoch.mix": "에폭 안의 클래스 구성",
    "basics.rates": "학습률",
    "floors.parts": "손실의 부분들",
    "health.figures": "임베딩",
    "health.spectrum": "주축별 분산",
    "label_errors.suspects": "의심스러운 레이블",
    "overlap.pairs": "클래스 쌍의 겹침",
    "overlap.histograms": "가장 많이 겹치는 쌍의 히스토그램",
    "information.ladder": "프로브 사다리(macro F1)",
    "information.variance": "분산의 몫",
    "information.confusion": "이웃 혼동: {name}",
    "information.complexity": "이웃 복잡도",
    "conflict.over_time": "두 손실의 각도",
    "conflict.look_ahead": "미리 보기: 한 손실을 따라 한 걸음 갈 때 다른 손실의 이득",
    "conflict.self_duality": "헤드와 기하가 일치하는가",
    "worth.arms": "갈래 비교",
    "shift.shares": "레이블 없는 이미지의 클래스 비율",
    "shift.classifier": "레이블 없는 이미지와 검증 이미지를 구별할 수 있는가",
    "resolution.differences": "볼 수 있는 가장 작은 macro F1 차이",
    "budget.attributes": "속성별 오류",
    "budget.classes": "클래스별 F1",
}

TERMS = {
    "kind": "종류",
    "images": "이미지",
    "identities": "사람",
    "identity": "같은 사람",
    "exact": "완전한 사본",
    "near": "거의 같은 이미지",
    "value": "값",
    "error": "오류율",
    "low": "하한",
    "high": "상한",
    "cut": "경계",
    "within": "거리",
    "share_of_errors": "오류 중 비율",
    "share_of_images": "이미지 중 비율",
    "moved_to": "옮긴 곳",
    "macro_f1": "macro F1",
    "transform": "변환",
    "share_seen": "보이는 비율",
    "height": "높이",
    "width": "너비",
    "random": "무작위",
    "train": "학습",
    "evaluation": "평가",
    "what": "항목",
    "batches": "배치",
    "images_seen": "쓰인 이미지",
    "images_to_see": "쓰여야 할 이미지",
    "mean_draws": "이미지당 횟수",
    "same_identity_pairs": "한 사람끼리의 양성 쌍",
    "drift_distance": "구성 변화(총변동)",
    "drift_p_value": "구성 변화 p",
    "classes_per_batch": "배치당 클래스",
    "classes": "클래스 수",
    "soft_f1_floor": "soft F1 바닥",
    "class": "클래스",
    "first": "첫째",
    "middle": "가운데",
    "last": "마지막",
    "second": "둘째",
    "lowest": "최소",
    "median": "중앙값",
    "highest": "최대",
    "steps": "단계 수",
    "learning_rate": "적용된 학습률",
    "learning_rate_planned": "계획된 학습률",
    "update_ratio": "가중치 대비 변화",
    "part": "부분",
    "start": "처음",
    "end": "끝",
    "floors": "바닥",
    "effective_rank": "유효 랭크",
    "dimensions": "쓰이는 차원",
    "mean_cosine": "평균 코사인",
    "alignment": "정렬",
    "uniformity": "균일성",
    "hubness": "허브성(왜도)",
    "nc1": "NC1",
    "axis": "축",
    "share": "비율",
    "attribute": "속성",
    "share_wrong": "틀린 비율",
    "suspects": "의심",
    "inconsistent": "자기 이미지와 어긋남",
    "cleanlab": "cleanlab",
    "cleanlab_agrees": "cleanlab 동의",
    "overlap": "겹침",
    "by_neighbors": "이웃으로 잰 겹침",
    "edges": "구간",
    "first_shares": "첫째 비율",
    "second_shares": "둘째 비율",
    "features": "특징",
    "embedding": "임베딩",
    "neutral": "학습 전 백본",
    "majority": "가장 흔한 클래스",
    "knn": "이웃 10개",
    "centroid": "클래스 평균",
    "linear": "선형",
    "mlp": "작은 신경망",
    "between_classes": "클래스 사이",
    "between_identities": "사람 사이",
    "within_identities": "사람 안",
    "null": "귀무",
    "p": "p",
    "labels": "레이블",
    "joint": "결합 클래스",
    "N1": "N1",
    "N2": "N2",
    "N3": "N3",
    "step": "단계",
    "epoch": "에폭",
    "kappa": "kappa",
    "kappa_low": "하한",
    "kappa_high": "상한",
    "kappa_raw": "보정 전 코사인",
    "kappa_tangential": "접선 방향",
    "kappa_radial": "길이 방향",
    "kappa_shared": "공유 가중치",
    "magnitude_similarity": "크기 유사도",
    "reliability_metric": "신뢰도, 메트릭",
    "reliability_heads": "신뢰도, 헤드",
    "probes": "측정 수",
    "cosine": "코사인",
    "arm": "갈래",
    "seeds": "시드",
    "metric": "메트릭 손실",
    "head": "헤드",
    "both": "둘 다",
    "training": "학습",
    "echoed": "예측 집계",
    "em": "EM",
    "em_error": "EM 오차",
    "bbse": "BBSE",
    "bbse_error": "BBSE 오차",
    "area": "AUC",
    "comparison": "비교",
    "paired": "짝지음",
    "independent": "독립",
    "difference": "차이",
    "standard_error": "표준오차",
    "limiting_class": "제약하는 클래스",
    "limiting_identities": "그 사람 수",
    "only_this_wrong": "이것만 틀림",
    "f1_if_perfect": "완벽할 때 F1",
    "gain_if_perfect": "완벽할 때 이득",
    "f1": "F1",
    "accuracy": "정확도",
    "applied": "적용",
    "planned": "계획",
    "moved": "가중치 대비 변화",
    "new": "레이블 없음",
    "from": "부터",
    "to": "까지",
    "step_of": "걸음의 손실",
    "loss": "잰 손실",
    "gain": "이득",
    "heads": "헤드",
}
