from .data_schema import AugmentationConfig as AugmentationConfig
from .data_schema import DataConfig as DataConfig
from .data_schema import MixingConfig as MixingConfig
from .data_schema import SplitConfig as SplitConfig
from .dumping import dump as dump
from .durations import parse_duration as parse_duration
from .fields import wants_text as wants_text
from .schema import Config as Config
from .schema import LossConfig as LossConfig
from .schema import ModelConfig as ModelConfig
from .schema import OptimizerConfig as OptimizerConfig
from .schema import SamplerConfig as SamplerConfig
from .schema import TrainerConfig as TrainerConfig
from .sense import PER_ATTRIBUTE as PER_ATTRIBUTE
from .teacher_schema import TeacherConfig as TeacherConfig
from .words import one_line as one_line
from .words import short as short
from .yaml_text import MOST_CHARACTERS as MOST_CHARACTERS
from .yaml_text import Plain as Plain
from .yaml_text import parse_yaml as parse_yaml

__all__ = [
    "MOST_CHARACTERS",
    "PER_ATTRIBUTE",
    "AugmentationConfig",
    "Config",
    "DataConfig",
    "LossConfig",
    "MixingConfig",
    "ModelConfig",
    "OptimizerConfig",
    "Plain",
    "SamplerConfig",
    "SplitConfig",
    "TeacherConfig",
    "TrainerConfig",
    "dump",
    "one_line",
    "parse_duration",
    "parse_yaml",
    "short",
    "wants_text",
]
