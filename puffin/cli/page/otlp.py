"""A run as a trace of OpenTelemetry, sent by OTLP over HTTP: a span for the run, and one for each row of its record.

https://opentelemetry.io/docs/specs/otlp/ for the protocol.
"""

import logging

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode, set_span_in_context

from puffin.pipeline.graph.task import FAILED
from puffin.pipeline.profile.read import Profile, Row

_PATH = "/v1/traces"
_BATCH = 512  # spans of a request
_SECONDS = 10  # that a request may take


def send_trace(profile: Profile, url: str) -> bool:
    """Send the spans of a run to the collector at *url*, such as ``http://127.0.0.1:4318``; False if that fails.

    The path for traces may be a part of it. ``OTEL_EXPORTER_OTLP_HEADERS`` and other variables of the exporter count.
    """
    spans = spans_of(profile)
    logging.getLogger("opentelemetry").disabled = True  # a failure is a warning of puffin's own
    logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").disabled = True
    exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/').removesuffix(_PATH)}{_PATH}", timeout=_SECONDS)
    try:
        batches = [spans[at : at + _BATCH] for at in range(0, len(spans), _BATCH)]
        return all(exporter.export(batch) is SpanExportResult.SUCCESS for batch in batches)
    finally:
        exporter.shutdown()


def spans_of(profile: Profile) -> list[ReadableSpan]:
    """Return the finished spans: those of the rows are children of that of the run."""
    kept = InMemorySpanExporter()
    resource = Resource.create({"service.name": "puffin", "service.version": profile.puffin})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("puffin", profile.puffin)
    run = tracer.start_span(
        f"puffin {profile.command}",
        start_time=_nanoseconds(profile.started),
        attributes={
            "puffin.run": profile.run,
            "puffin.executor": profile.executor,
            "puffin.exit_code": profile.status,
        },
    )
    context = set_span_in_context(run)
    for row in profile.rows:
        span = tracer.start_span(
            f"{row.name} {row.label}".strip(),
            context=context,
            start_time=_nanoseconds(row.start),
            attributes=_attributes(row),
        )
        if row.status == FAILED:
            span.set_status(Status(StatusCode.ERROR, row.error))
        span.end(_nanoseconds(row.end))
    if profile.status:
        run.set_status(Status(StatusCode.ERROR, profile.failure))
    run.end(_nanoseconds(profile.ended))
    return list(kept.get_finished_spans())


def _attributes(row: Row) -> dict[str, str | int | float | list[str]]:
    found: dict[str, str | int | float | list[str]] = {
        "puffin.stage": row.name,
        "puffin.package": row.package,
        "puffin.version": row.version,
        "puffin.worker": row.worker,
        "puffin.cache": row.cache,
        "puffin.cpu": row.cpu,
        "puffin.bytes_in": row.taken,
        "puffin.bytes_out": row.given,
        "puffin.environments": list(row.environments),
    }
    return {name: value for name, value in found.items() if value}


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1_000_000) * 1000
