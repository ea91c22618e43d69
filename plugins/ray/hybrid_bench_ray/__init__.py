"""The executor ``ray`` for Hybrid Bench: encoding with actors and search with tasks on a Ray cluster."""

from hybrid_bench_ray.executor import RayExecutor

__all__ = ["RayExecutor"]
