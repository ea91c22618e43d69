"""The executor ``ray`` for Hybrid Bench: encoding by actors and search by tasks of a Ray cluster."""

from hybrid_bench_ray.executor import RayExecutor

__all__ = ["RayExecutor"]
