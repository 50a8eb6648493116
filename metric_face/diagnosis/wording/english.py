"""English wording of everything a diagnosis says.

A template reads the fields of its finding: ``value``, ``low``, ``high``, ``null``, ``identities`` and ``images`` of
the measure, ``explained``, and the finding's own values.
"""

FINDINGS: dict[str, dict[str, str]] = {
    "leak.identity": {
        "title": "The same identities are in training and validation",
        "number": "{value:.0%} of validation images",
        "sentence": (
            "{identities} of {of} identities in validation also have images in training, so validation partly "
            "asks whom the model remembers."
        ),
        "next": (
            "Split by identity (split_by_identity) and train again; scores until then cannot be compared."
        ),
    },
    "leak.exact": {
        "title": "Validation holds exact copies of training images",
        "number": "{images} of {of} images",
        "sentence": "{images} validation images are byte for byte in training too.",
        "next": "Keep copies on one side: give them one identity, or drop them, and split again.",
    },
    "leak.near": {
        "title": "Validation holds near copies of training images",
        "number": "{images} of {of} images",
        "sentence": (
            "{images} validation images show the same picture as a training image of another identity, by "
            "their pixels or because they lie closer than two different identities of the training set do."
        ),
        "next": "Look at the pairs; give near copies one identity and split again.",
    },
    "boundary.moved": {
        "title": "The cut of {attribute} differs between training and validation",
        "number": "{value:.1%} of validation labels",
        "sentence": (
            "Training labels of {attribute} are cut at {train}, validation labels at {validation}: "
            "{images} validation labels answer another question than training taught."
        ),
        "next": (
            "Make both labels with the same cuts; move a cut only on predictions, and score on the "
            "original labels."
        ),
    },
    "views.crop": {
        "title": "Evaluation shows parts of the image that training cuts away",
        "number": "{value:.0%} never trained on",
        "sentence": (
            "Training sees {train:.0%} of the image, evaluation {evaluation:.0%}: {value:.0%} of what "
            "evaluation shows was never in training, and everything appears at another scale."
        ),
        "next": "Apply the deterministic crop of training in evaluation too.",
    },
    "views.crop_evaluation": {
        "title": "Evaluation cuts away what training always sees",
        "number": "{value:.0%} left out",
        "sentence": "Training sees {train:.0%} of the image, evaluation {evaluation:.0%}.",
        "next": "Evaluate on the same part of the image that training sees.",
    },
    "views.missing": {
        "title": "A step of the training transform is missing in evaluation",
        "number": "{value:.0f} step(s)",
        "sentence": "Training applies {steps}, which draws nothing at random, and evaluation does not.",
        "next": "Apply it in evaluation too.",
    },
    "views.extra": {
        "title": "Evaluation applies a step that training does not",
        "number": "{value:.0f} step(s)",
        "sentence": "Evaluation applies {steps}, and training does not.",
        "next": "Apply it in both or in neither.",
    },
    "views.normalize": {
        "title": "Training and evaluation normalize differently",
        "number": "{value:.0%} of the contrast",
        "sentence": (
            "The same image comes out of the two transforms with its level shifted by {value:.0%} of the "
            "contrast."
        ),
        "next": "Use one mean and standard deviation in both.",
    },
    "views.random_evaluation": {
        "title": "Evaluation draws at random",
        "number": "two results for one image",
        "sentence": (
            "The evaluation transform gives two different outputs for the same image: validation is "
            "augmented."
        ),
        "next": "Remove every random step from the evaluation transform.",
    },
    "epoch.short": {
        "title": "An epoch ends before it should",
        "number": "{yielded} of {promised} batches",
        "sentence": (
            "An epoch promises {promised} batches and yields {yielded}: the schedule, the averages and "
            "the progress are of an epoch that never happens."
        ),
        "next": "Use a sampler whose length is what it yields, and plan the schedule with that.",
    },
    "epoch.drift": {
        "title": "The epoch changes its mix of classes as it goes",
        "number": "{value:.0%} of the mix",
        "sentence": (
            "First and last third of the epoch differ by {value:.0%} of their class mix, and {missing} "
            "of {classes} classes are gone by the end: a loss that falls within each epoch is the mix, "
            "not learning."
        ),
        "next": "Use a sampler that spreads every class over the whole epoch (RandomIdentitySampler).",
    },
    "epoch.unseen": {
        "title": "Many training images are never shown",
        "number": "{value:.0%} never drawn",
        "sentence": (
            "In {epochs} epoch(s), {unseen} of {trained} training images were never drawn ({nobody} "
            "identities entirely)."
        ),
        "next": ('Use a sampler that covers every image (coverage="images"), or draw anew in each epoch.'),
    },
    "basics.learning_rate": {
        "title": "The learning rate applied is not the one planned",
        "number": "{value:.2g} x the plan",
        "sentence": (
            "The optimizer used a median learning rate of {applied:.2g} where {planned:.2g} was planned "
            "(highest planned {highest:.2g})."
        ),
        "next": (
            "Step the scheduler that is attached to this optimizer, once at the interval it was written for."
        ),
    },
    "basics.frozen": {
        "title": "The weights do not move",
        "number": "{value:.1g} of their size a step",
        "sentence": (
            "A step changes the weights by {value:.1g} of their size; about {usual:g} is usual. Nothing "
            "can be learnt at this rate."
        ),
        "next": "Check the learning rate really applied, frozen parameters and gradient clipping.",
    },
    "basics.checkpoint": {
        "title": "The checkpoint was chosen by another metric",
        "number": "{value:.3f} macro F1 lost",
        "sentence": (
            "The checkpoint that is best by {monitor} has macro F1 {chosen:.3f}; the best epoch had "
            "{best:.3f}."
        ),
        "next": "Choose the checkpoint by the metric you are judged on.",
    },
    "basics.drop_last": {
        "title": "Validation leaves images out",
        "number": "{value:.1%} left out",
        "sentence": (
            "drop_last is on in validation with batches of {batch}: {lost} of {images} images are never "
            "scored."
        ),
        "next": "Set drop_last=False in the validation loader.",
    },
    "basics.label_smoothing": {
        "title": "Label smoothing is not what was asked for",
        "number": "{real:g} instead of {wanted:g}",
        "sentence": "Label smoothing of {wanted:g} was asked for and {real:g} is in effect.",
        "next": "Pass the value on to the loss.",
    },
    "basics.missing_class": {
        "title": "Validation asks for classes that training never showed",
        "number": "{missing} of {classes} classes",
        "sentence": (
            "{missing} of {classes} classes in validation have no training image ({names}): each counts "
            "with F1 of zero."
        ),
        "next": "Stratify the split on the joint class, or score without these classes and say so.",
    },
    "floors.absent": {
        "title": "The F1 loss sits on a floor it cannot go below",
        "number": "{value:.3f}, floor {floor:.3f}",
        "sentence": (
            "{part} ends at {value:.3f}. With {present:.1f} of {classes} classes in a batch, a soft F1 "
            "that counts absent classes as failures cannot fall below {floor:.3f}."
        ),
        "next": "Average over the classes present (SoftF1Loss does), or put more classes in a batch.",
    },
    "floors.margin": {
        "title": "The metric loss sits at its margin",
        "number": "{value:.3f}, margin {floor:.3f}",
        "sentence": (
            "{part} ends at {value:.3f}, which is its value when all distances are alike: it has taught "
            "nothing, or the embedding has shrunk to a point."
        ),
        "next": (
            "Begin with a softer mining (batch_all or semi_hard) or a lower learning rate; check "
            "embedding health."
        ),
    },
    "floors.chance": {
        "title": "The classifier is still guessing",
        "number": "{value:.3f}, ln C {floor:.3f}",
        "sentence": "{part} ends at {value:.3f}, the cross-entropy of the same answer for every image.",
        "next": ("Check that labels and images belong together and that the head's parameters are trained."),
    },
    "health.flat": {
        "title": "The embedding has collapsed onto a few directions",
        "number": "{dimensions:.1f} of {width} dimensions",
        "sentence": (
            "The embedding spends its variance on {dimensions:.1f} directions of {width}; telling these "
            "classes apart takes about {needed}."
        ),
        "next": (
            "Lower the weight of the metric loss, begin with softer mining, or put a batch norm before "
            "the head."
        ),
    },
    "health.one_point": {
        "title": "All embeddings point the same way",
        "number": "mean cosine {mean_cosine:.2f}",
        "sentence": (
            "Images of different identities have a mean cosine of {mean_cosine:.2f}: the embedding is nearly "
            "one point, and distances in it say little."
        ),
        "next": "Center the embedding (BNNeck), begin with softer mining, lower the learning rate.",
    },
    "label_errors.wrong": {
        "title": "Labels of {attribute} look wrong",
        "number": "{suspects} labels, {value:.1%}",
        "sentence": (
            "{suspects} labels of {attribute} ({low:.1%} to {high:.1%}) contradict what models of other "
            "identities see, or the identity's own other images ({inconsistent}); most often '{written}' is "
            "written where '{seen}' is seen. cleanlab alone names {cleanlab} of them."
        ),
        "next": "Look at the faces, correct the labels, and train again.",
    },
    "label_errors.swapped": {
        "title": "Labels of {attribute} are exchanged for some identities",
        "number": "{identities} identities",
        "sentence": (
            "For {identities} of {of} identities, '{first}' and '{second}' fit far better when exchanged "
            "({images} images)."
        ),
        "next": "Look at the faces and exchange the two labels of these identities.",
    },
    "label_errors.copies": {
        "title": "Identical images carry different labels of {attribute}",
        "number": "{groups} images",
        "sentence": (
            "{groups} images occur more than once with different labels of {attribute}: at least one of "
            "each is wrong."
        ),
        "next": "Correct or drop them.",
    },
    "overlap.classes": {
        "title": "Two classes share more than they differ in",
        "number": "overlap {value:.2f}",
        "sentence": (
            "'{first}' and '{second}' overlap by {value:.2f} ({low:.2f} to {high:.2f}; the same class: "
            "{null:.2f}) along the direction that best separates them: no rule along it is right on more "
            "than {best:.0%} of both. {pairs} pair(s) in all."
        ),
        "next": (
            "Look at the faces nearest the boundary. If you cannot tell them apart, merge the "
            "classes or collect what tells them apart; if you can, raise the resolution or train on "
            "this pair."
        ),
    },
    "information.lost": {
        "title": "Training threw information away",
        "number": "{value:.3f} macro F1 lost",
        "sentence": (
            "A linear probe reaches {before:.3f} on the untrained backbone's features and {after:.3f} on "
            "the trained embedding."
        ),
        "next": "Lower the learning rate of the backbone, widen the embedding, or stop earlier.",
    },
    "conflict.opposed": {
        "title": "The losses pull against each other, and it costs",
        "number": "kappa {value:.2f}",
        "sentence": (
            "The gradients of the two losses meet at {degrees:.0f} degrees (kappa {value:.2f}, {low:.2f} "
            "to {high:.2f}), and both together score {gap:+.3f} against '{best}' alone ({gap_low:+.3f} "
            "to {gap_high:+.3f})."
        ),
        "next": (
            "Put a batch norm between them (BNNeck), lower the weight of one, or train with '{best}' alone."
        ),
    },
    "conflict.suspected": {
        "title": "The losses pull against each other",
        "number": "kappa {value:.2f}",
        "sentence": (
            "The gradients of the two losses meet at {degrees:.0f} degrees (kappa {value:.2f}, {low:.2f} "
            "to {high:.2f}). Whether that costs anything only a comparison can say."
        ),
        "next": (
            "Train three arms of equal budget (metric loss, head, both) with three seeds each and give "
            "them as runs."
        ),
    },
    "worth.hurts": {
        "title": "The metric loss costs more than it gives",
        "number": "{value:+.3f} macro F1",
        "sentence": (
            "With the metric loss {both:.3f}, without it {head:.3f} at equal budget ({low:+.3f} to "
            "{high:+.3f} over {seeds} seeds)."
        ),
        "next": "Leave it out, or lower its weight.",
    },
    "shift.prior": {
        "title": "The images to predict hold the classes in other shares",
        "number": "{value:.0%} instead of {null:.0%}",
        "sentence": (
            "'{name}' ({attribute}) makes up {training:.1%} of training and about {value:.1%} ({low:.1%} "
            "to {high:.1%}; BBSE {bbse:.1%}) of the unlabeled images; counting predictions gives "
            "{echoed:.1%}."
        ),
        "next": "Correct the probabilities by the ratio of the shares before choosing the class.",
    },
    "shift.domain": {
        "title": "The images to predict look different from validation",
        "number": "area under the curve {value:.2f}",
        "sentence": (
            "A linear classifier tells unlabeled images from validation images with an area under the "
            "curve of {value:.2f} ({low:.2f} to {high:.2f})."
        ),
        "next": "Compare both sets by eye: camera, crop, compression; augment towards the new set.",
    },
    "resolution.too_coarse": {
        "title": "This validation set is too small to tell",
        "number": "differences below {value:.3f}",
        "sentence": (
            "With {identities} identities in validation, differences in macro F1 below {value:.3f} are noise, "
            "going by what this model and its neighbors predict; no class adds more to it than '{class}', with "
            "{class_identities} identities."
        ),
        "next": "Use cross-validation over identities, or about {needed} identities to see a difference of 0.02.",
    },
}

VERDICTS = {
    "supported": "supported",
    "not_supported": "not supported",
    "cannot_tell": "cannot tell",
}

HYPOTHESES = {
    "A": "Do the classes share more than they differ in?",
    "B": "Do the losses pull the embedding in exclusive directions?",
}

REASONS = {
    "A.shared": (
        "{shared} of {pairs} pairs share more than half; the widest is '{first}' and '{second}' with an "
        "overlap of {value:.2f} ({low:.2f} to {high:.2f})."
    ),
    "A.apart": (
        "The widest overlap of {pairs} pairs is {value:.2f} ({low:.2f} to {high:.2f}), of '{first}' and "
        "'{second}'; sharing more than differing means above 0.5."
    ),
    "A.neighbors_part": (
        "'{first}' and '{second}' overlap by {value:.2f} ({low:.2f} to {high:.2f}) for a linear probe, "
        "but their neighbors tell them apart: the information is there, not in a straight line."
    ),
    "A.interval_holds_half": (
        "The widest overlap, of '{first}' and '{second}', is {value:.2f}, and its interval {low:.2f} to "
        "{high:.2f} holds 0.5; more identities in validation would decide it."
    ),
    "A.few_identities": "No two classes have {fewest} identities each among the judged images.",
    "A.no_attribute": "No attribute can be predicted for a new identity: every class is one identity.",
    "B.opposed": (
        "kappa {value:.2f} ({low:.2f} to {high:.2f}), and both losses together do worse than '{best}' "
        "alone by {gap:+.3f} ({gap_low:+.3f} to {gap_high:+.3f})."
    ),
    "B.not_opposed": (
        "kappa {value:.2f} ({low:.2f} to {high:.2f}): an opposition that could matter is ruled out."
    ),
    "B.interval_holds_zero": (
        "kappa {value:.2f}, and its interval {low:.2f} to {high:.2f} holds zero; log more probes."
    ),
    "B.lengths_only": (
        "kappa {value:.2f} ({low:.2f} to {high:.2f}), but only along the length of the embedding, not "
        "across it: normalize, or put a batch norm between the losses."
    ),
    "B.no_arms": (
        "kappa {value:.2f} ({low:.2f} to {high:.2f}) is an opposition, but whether it costs anything "
        "needs three arms of equal budget (metric loss, head, both)."
    ),
    "B.outcome_no_worse": (
        "kappa {value:.2f} ({low:.2f} to {high:.2f}), yet both losses together are not shown to do worse "
        "than '{best}' alone: {gap:+.3f} ({gap_low:+.3f} to {gap_high:+.3f})."
    ),
    "B.no_log": "There is no training log.",
    "B.no_angles": (
        "The training log holds no angle between losses: there is one loss only, too few probes, or "
        "batches with fewer than four images of a class."
    ),
}

ABSTENTIONS = {
    "failed": "it could not be answered: {why}",
    "no_attribute": "no attribute can be predicted for a new identity",
    "no_batches": "the batches of training were not given",
    "no_log": "there is no training log",
    "no_loss_parts": "the log names no parts of the loss",
    "no_transforms": "the transforms were not given",
    "no_split": "there is no split into training and validation",
    "no_identities": "no identities were given, so identities in two parts cannot be found",
    "no_raw_values": "no attribute has a raw value behind its classes",
    "no_angles": "the log holds no angle between losses",
    "no_arms": "needs runs with and without the metric loss, {fewest} seeds each",
    "no_unlabeled": "there is no unlabeled set",
    "few_identities_in_class": "'{name}' ({attribute}) has {identities} identities, {fewest} are needed",
}

QUESTIONS = {
    "leak": "Does validation hold what training has seen?",
    "boundary": "Is the cut in the same place?",
    "views": "Do training and evaluation see the same?",
    "epoch": "Did training see what it was promised?",
    "basics": "Are the basics right?",
    "floors": "Is a loss stuck at its floor?",
    "health": "Is the embedding healthy?",
    "label_errors": "Are labels wrong?",
    "overlap": "Do classes overlap?",
    "information": "Is the information there?",
    "conflict": "Do the losses pull apart?",
    "worth": "Was the metric loss worth it?",
    "shift": "Are the new images different?",
    "resolution": "What can this validation set show?",
    "budget": "Where are the errors?",
}

CONFIDENCE = {
    "certain": "certain",
    "likely": "likely",
    "possible": "possible",
}

TIERS = {
    "spoiler": "spoils the other numbers",
    "cause": "costs macro F1",
    "limit": "limits what can be seen",
}

SUMMARY = {
    "score": (
        "Macro F1 {value:.3f} ({low:.3f} to {high:.3f}) on {images} images of {identities} identities, {who}."
    ),
    "score_point": "Macro F1 {value:.3f} on {images} images of {identities} identities, {who}.",
    "score_images": "Macro F1 {value:.3f} ({low:.3f} to {high:.3f}) on {images} images, {who}.",
    "model": "predicted by the model",
    "probe": "predicted by out-of-fold probes",
    "finding": "{rank}. {title} [{confidence}{gain}]. {sentence}",
    "gain": ", {explained:.3f} macro F1",
    "next": "   -> {next}",
    "more": "   and {count} more in the report.",
    "none": "Nothing was found that holds this run back.",
    "none_resolution": (
        "Nothing was found that holds this run back; differences in macro F1 below {difference:.3f} "
        "cannot be seen on this validation set."
    ),
    "answer": "{hypothesis}. {question} {verdict}: {reason}",
    "budget": (
        "Errors: {share:.0%} are of {attribute} alone; were it perfect, macro F1 would be {perfect:.3f}."
    ),
}

PAGE = {
    "title": "Why is it not better?",
    "lead_score": (
        "Macro F1 {value:.3f} ({low:.3f} to {high:.3f}) on {images} held-out images of {identities} identities, "
        "{who}."
    ),
    "lead_all": (
        "Macro F1 {value:.3f} ({low:.3f} to {high:.3f}) on {images} images of {identities} identities, {who}."
    ),
    "lead_point": "Macro F1 {value:.3f} on {images} images of {identities} identities, {who}.",
    "verdicts": "What holds it back",
    "rule": "What spoils the other numbers comes first, then what costs most macro F1.",
    "none": (
        "Nothing was found that holds this run back. What could not be judged stands at the end of this page."
    ),
    "hypotheses": "Two questions, two answers",
    "explains": "explains {explained:.3f} macro F1",
    "next": "Do next",
    "evidence": "Look at these",
    "controls": "Beside these, taken at random",
    "pairs": "Side by side: validation, training, validation, ...",
    "identities_images": "{identities} identities, {images} images",
    "images_only": "{images} images",
    "interval": "95 % interval {low} to {high}",
    "null": "{null} where nothing is wrong",
    "map": "The map",
    "map_lead": (
        "Each point is an image, beside the images of other identities that it is most like. The layout "
        "never saw a label."
    ),
    "matrix": "Who stands among whom",
    "matrix_lead": (
        "For each class, whose neighbors its images have, images of the same identity left out and sizes "
        "of classes corrected for. Choose a cell to see its images."
    ),
    "overlaps": "Pairs of classes",
    "overlaps_lead": (
        "Each pair along the direction that best separates it, judged on identities the direction never saw. "
        "The dark part is shared."
    ),
    "boundary": "Beside the cuts",
    "boundary_lead": "Error by raw value, with its 95 % band over identities.",
    "training": "Training",
    "training_lead": "What the log says.",
    "information": "Is the information there?",
    "information_lead": (
        "The same embedding read by five classifiers of growing strength, none of which has seen the "
        "identities it is judged on."
    ),
    "errors": "Where the errors are",
    "shift": "New images",
    "numbers": "All numbers",
    "numbers_lead": "The same numbers stand in report.json.",
    "abstained": "Not judged",
    "method": "How it was measured",
    "method_notes": (
        "Images of the same identity are never compared with each other. Intervals resample identities, not "
        "images, 200 times. Nulls permute labels between identities, or within an identity where the attribute "
        "varies. Below 30 identities in a class nothing is said about it. Scores of a probe are out of fold: "
        "no identity is on both sides. Seed {seed}; {seconds:.0f} s."
    ),
    "score": "score",
    "share": "share of its images",
    "overlap_title": "{first} and {second}: {overlap:.2f}",
    "error": "error",
    "kappa": "kappa",
    "step": "step",
    "epoch": "epoch",
    "no_opposition": "Below zero the losses pull against each other.",
    "yes": "right",
    "no": "wrong",
    "prediction": "prediction",
    "part": "part",
    "suspect": "finding",
    "labels_of": "labels",
    "joint": "joint class",
    "train_sees": "training sees",
    "evaluation_sees": "evaluation sees",
    "macro_f1": "macro F1",
    "metric_loss": "metric loss",
    "heads_loss": "head",
}

RUNGS = {
    "majority": "most common class",
    "knn": "10 nearest neighbors",
    "centroid": "nearest class mean",
    "linear": "linear probe",
    "mlp": "small network",
}

TABLES = {
    "leak.counts": "Leaks across the split",
    "boundary.curve": "Error by raw value: {name}",
    "boundary.near": "Errors near the cuts: {name}",
    "boundary.sweep": "Macro F1 as a cut of the predicted value moves, on the original labels: {name}",
    "views.seen": "What the transforms see",
    "epoch.audit": "The batches",
    "epoch.mix": "Class mix along the epoch",
    "basics.rates": "Learning rates",
    "floors.parts": "Parts of the loss",
    "health.figures": "The embedding",
    "health.spectrum": "Variance by principal axis",
    "label_errors.suspects": "Suspicious labels",
    "overlap.pairs": "Overlap of pairs of classes",
    "overlap.histograms": "Histograms of the widest overlaps",
    "information.ladder": "Probe ladder (macro F1)",
    "information.variance": "Shares of the variance",
    "information.confusion": "Neighbor confusion: {name}",
    "information.complexity": "Neighborhood complexity",
    "conflict.over_time": "Angle between the losses",
    "conflict.look_ahead": "Look-ahead: what a step along one loss gains on the other",
    "conflict.self_duality": "Do head and geometry agree?",
    "worth.arms": "The arms compared",
    "shift.shares": "Shares of the classes in the unlabeled images",
    "shift.classifier": "Can unlabeled and validation images be told apart?",
    "resolution.differences": "Smallest difference in macro F1 that can be seen",
    "budget.attributes": "Errors by attribute",
    "budget.classes": "F1 by class",
}

TERMS = {
    "kind": "kind",
    "images": "images",
    "identities": "identities",
    "identity": "same identity",
    "exact": "exact copy",
    "near": "near copy",
    "value": "value",
    "error": "error",
    "low": "low",
    "high": "high",
    "cut": "cut",
    "within": "within",
    "share_of_errors": "share of errors",
    "share_of_images": "share of images",
    "moved_to": "moved to",
    "macro_f1": "macro F1",
    "transform": "transform",
    "share_seen": "share seen",
    "height": "height",
    "width": "width",
    "random": "random",
    "train": "training",
    "evaluation": "evaluation",
    "what": "what",
    "batches": "batches",
    "images_seen": "images seen",
    "images_to_see": "images to see",
    "mean_draws": "draws per image",
    "same_identity_pairs": "positive pairs of one identity",
    "drift_distance": "drift (total variation)",
    "drift_p_value": "drift p",
    "classes_per_batch": "classes per batch",
    "classes": "classes",
    "soft_f1_floor": "soft F1 floor",
    "class": "class",
    "first": "first",
    "middle": "middle",
    "last": "last",
    "second": "second",
    "lowest": "lowest",
    "median": "median",
    "highest": "highest",
    "steps": "steps",
    "learning_rate": "learning rate applied",
    "learning_rate_planned": "learning rate planned",
    "update_ratio": "update over weight",
    "part": "part",
    "start": "start",
    "end": "end",
    "floors": "floors",
    "effective_rank": "effective rank",
    "dimensions": "dimensions in use",
    "mean_cosine": "mean cosine",
    "alignment": "alignment",
    "uniformity": "uniformity",
    "hubness": "hubness (skew)",
    "nc1": "NC1",
    "axis": "axis",
    "share": "share",
    "attribute": "attribute",
    "share_wrong": "share wrong",
    "suspects": "suspects",
    "inconsistent": "against own images",
    "cleanlab": "cleanlab's",
    "cleanlab_agrees": "cleanlab agrees",
    "overlap": "overlap",
    "by_neighbors": "by neighbors",
    "edges": "edges",
    "first_shares": "first, shares",
    "second_shares": "second, shares",
    "features": "features",
    "embedding": "embedding",
    "neutral": "untrained backbone",
    "majority": "most common class",
    "knn": "10 neighbors",
    "centroid": "class mean",
    "linear": "linear",
    "mlp": "small network",
    "between_classes": "between classes",
    "between_identities": "between identities",
    "within_identities": "within identities",
    "null": "null",
    "p": "p",
    "labels": "labels",
    "joint": "joint class",
    "N1": "N1",
    "N2": "N2",
    "N3": "N3",
    "step": "step",
    "epoch": "epoch",
    "kappa": "kappa",
    "kappa_low": "low",
    "kappa_high": "high",
    "kappa_raw": "raw cosine",
    "kappa_tangential": "tangential",
    "kappa_radial": "radial",
    "kappa_shared": "shared weights",
    "magnitude_similarity": "magnitude similarity",
    "reliability_metric": "reliability, metric",
    "reliability_heads": "reliability, heads",
    "probes": "probes",
    "cosine": "cosine",
    "arm": "arm",
    "seeds": "seeds",
    "metric": "metric loss",
    "head": "head",
    "both": "both",
    "training": "training",
    "echoed": "predictions counted",
    "em": "EM",
    "em_error": "EM error",
    "bbse": "BBSE",
    "bbse_error": "BBSE error",
    "area": "area under the curve",
    "comparison": "comparison",
    "paired": "paired",
    "independent": "independent",
    "difference": "difference",
    "standard_error": "standard error",
    "limiting_class": "limiting class",
    "limiting_identities": "its identities",
    "only_this_wrong": "only this wrong",
    "f1_if_perfect": "F1 if perfect",
    "gain_if_perfect": "gain if perfect",
    "f1": "F1",
    "accuracy": "accuracy",
    "applied": "applied",
    "planned": "planned",
    "moved": "update over weight",
    "new": "unlabeled",
    "from": "from",
    "to": "to",
    "step_of": "step along",
    "loss": "loss",
    "gain": "gain",
    "heads": "heads",
}
