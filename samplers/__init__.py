"""Who goes in a batch: a sampler that is proven, and an audit for anyone else's."""

from .identity import RandomIdentitySampler
from .quotas import Quota
from .sampler_report import SamplerReport

__all__ = ["Quota", "RandomIdentitySampler", "SamplerReport"]
