"""What an identity wrote reaches the configuration as it was written, or is refused in one short line."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metric_face.config import Config, dump_config, load_config
from metric_face.configuring.durations import parse_duration
from metric_face.errors import ArgumentError, ConfigError

NAMES = [
    "2024",
    "2024-01-01",
    "yes",
    "no",
    "null",
    "~",
    "a: b",
    "x #1",
    "1e3",
    "0x10",
    "1:30",
    "- a",
    "[a",
    "{",
    "*a",
]
NAMES += [
    "&a b",
    "!!int x",
    "%x",
    "'quoted'",
    "a'b",
    " a ",
    "small",
    "é",
    "\udcff",
    "a\nb",
    "\u2028",
    "\x85",
    "\x7f",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_a_value_and_survives_the_file(name: str, tmp_path: Path) -> None:
    config = load_config("small", values={"data.path": Path(name)})
    assert config.data.path == str(Path(name))
    (tmp_path / "config.yaml").write_text(dump_config(config), "utf-8")
    assert load_config(tmp_path / "config.yaml") == config


@given(
    st.text(st.characters(exclude_characters="\0"), max_size=20),
    st.text(st.characters(exclude_characters="\0")),
)
@settings(max_examples=200, deadline=None)
def test_any_text_reads_back_as_it_was(name: str, argument: str) -> None:
    values = {"data.path": name, "data.attributes": [name or "x"], "loss.arguments": {"text": argument}}
    config = load_config(None, values={**values, "data.bins": {name: [1e-30, 2.5, 3e300]}})
    from metric_face.configuring.yaml_text import parse_yaml

    assert load_config(parse_yaml(dump_config(config), "it")) == config
    assert (config.data.path, config.loss.arguments["text"]) == (name, argument)


@pytest.mark.parametrize("name", [name for name in NAMES if name[0] != "'"])
def test_an_override_of_a_text_is_taken_as_it_stands(name: str) -> None:
    assert load_config(None, [f"data.path={name}"]).data.path == name


def test_a_text_in_quotes_is_what_the_quotes_hold() -> None:
    assert load_config(None, ["data.path='a b'"]).data.path == "a b"
    assert load_config(None, ["data.split.group='null'"]).data.split.group == "null"
    assert load_config(None, ["data.split.group=null"]).data.split.group is None


def test_only_a_number_is_read_as_a_number() -> None:
    config = load_config(
        None,
        [
            "data.attributes=[1e3, yes, 007, 2024-01-01]",
            "loss.metric=triplet",
            "loss.arguments={margin: 1e-1, mining: batch_hard, text: '1e3'}",
            "trainer.epochs=1e1",
            "optimizer.lr=3e-4",
            "trainer.max_time=1:30:00",
            "data.bins={7: [1e1, 2e1]}",
        ],
    )
    assert config.data.attributes == ["1e3", "yes", "007", "2024-01-01"]
    assert config.loss.arguments == {"margin": 0.1, "mining": "batch_hard", "text": "1e3"}
    assert (config.trainer.epochs, config.optimizer.lr, config.trainer.max_time) == (10, 3e-4, "1:30:00")
    assert config.data.bins == {"7": [10.0, 20.0]}


def test_a_section_with_every_line_commented_out_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("\ufeffdata:\n  # path: x\nloss:\n  arguments:\n", "utf-8")
    assert load_config(file) == Config()


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "\n".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "aliases (*a) are not read"),
        ("data: &d {split: *d}", "line 1: aliases (*d) are not read"),
        ("seed: !!int x", "tags (tag:yaml.org,2002:int) are not read"),
        ("seed: !!python/object/apply:os.system [ls]", "are not read; write the value alone"),
        ("data: " + "[" * 5000 + "]" * 5000, "nested at most 20 deep"),
        ("data: " + "{a: " * 5000, "nested at most 20 deep"),
        ("seed: 1\nseed: 2", "line 2: 'seed' is given twice"),
        ("? [a]\n: 1", "a key must be a word"),
        ("recipe: [1]", "recipe=['1']: must be one of competition, frozen, small, standard"),
        ("recipe: {a: 1}", "must be one of competition, frozen, small, standard"),
        ("[1, 2]", "must hold sections"),
        ("seed: 1\n--- \nseed: 2", "not YAML"),
        ("data: 5", "data='5': must be a section"),
        ("a: \x00", "not YAML"),
        ("x: [" + "1," * 30_000 + "1]", "at most 20,000 values"),
        ("# " + "x" * 300_000, "at most 200,000 characters"),
    ],
)
def test_yaml_that_no_configuration_needs_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "override",
    [
        "seed=!!int x", "seed=-1", "seed=4294967296", "seed=yes", "seed=1.5", "seed=.nan", "seed=" + "9" * 9000,
        "trainer.max_time=1.2.3h", "trainer.max_time=0", "trainer.max_time=²h", "trainer.max_time=1e3",
        "trainer.max_time=" + "9" * 400 + "h", "trainer.monitor=val/nope", "trainer.monitor=val/macro_f1/",
        "trainer.epochs=1e9", "trainer.ema=1", "trainer.loggers=[wandb, wandb]", "optimizer.lr=1e300",
        "optimizer.lr=1e-300", "optimizer.lr=true", "optimizer.lr=.inf", "optimizer.clip=1e-300",
        "optimizer.accumulate=0", "data.size=[0, 0]", "data.size=[1000000, 1000000]", "data.size=[96]",
        "data.split={val: 0.5, test: 0.5}", "data.split={folds: 3, fold: 3}", "data.split.fold=1",
        "data.attributes=[a, a]", "data.attributes=['']", "data.bins={a: [2, 1]}", "data.bins={a: []}",
        "data.bins={a: [1, .nan]}", "data.path=\0", "data.workers=100000", "loss.metric_weight=1e300",
        "loss.metric_weight=-1", "loss.metric=pml.", "loss.metric=pml.a.b", "sampler.batch_size=1", "model.dropout=1",
        "a" * 1000 + "=1", "a." * 5000 + "a=1", "..=1", "data.=1", "data.path.x=1", "=1", "a\nb=1", "data=1",
        "data.path=" + "\x1b" + "\0" * 1000, "recipe=small",
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_one_short_line(override: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(None, [override])
    message = str(caught.value)
    assert len(message) < 300, message
    assert message.isprintable(), message


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00a")
    for source in (tmp_path, tmp_path / "binary.yaml", "x" * 5000, tmp_path / "absent.yaml" / "x", "a\0b"):
        with pytest.raises(ConfigError) as caught:
            load_config(source)
        assert len(str(caught.value)) < 300
        assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("45s", 45),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("01:30:00", 5400),
        ("1.5h", 5400),
    ],
)
def test_times_are_read_as_they_are_meant(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1.2.3h", "1h1h", "3m2h", "-5m", "1:2:3:4", "nan", "1 h 2"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="must be a time of at most a year"):
        parse_duration(text)
