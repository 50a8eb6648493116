"""Identity batches: a sampler with tested guarantees, and an audit of the batches of any loader."""

from .audit import audit_batches
from .audit_report import AuditReport, Defect
from .drawn import random_states_kept
from .identity import RandomIdentitySampler
from .quotas import Quota
from .ranks import rank_and_world
from .sampler_report import SamplerReport

__all__ = [
    "AuditReport",
    "Defect",
    "Quota",
    "RandomIdentitySampler",
    "SamplerReport",
    "audit_batches",
    "random_states_kept",
    "rank_and_world",
]
