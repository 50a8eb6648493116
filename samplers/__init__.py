"""Who goes in a batch: a sampler that is proven, and an audit for anyone else's."""

from .audit import audit_batches
from .audit_report import AuditReport, Defect
from .identity import RandomIdentitySampler
from .quotas import Quota
from .sampler_report import SamplerReport

__all__ = ["AuditReport", "Defect", "Quota", "RandomIdentitySampler", "SamplerReport", "audit_batches"]
