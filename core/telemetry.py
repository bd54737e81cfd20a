"""Traces sent to a collector, by OpenTelemetry's protocol over HTTP.

Its libraries are imported with this module: import it only where a collector is set.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from threading import Thread

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenTelemetrySpan

from core.ids import new_id
from core.tracing import Attribute, Kind, Span

log = logging.getLogger(__name__)

NAME = "leukoscope"
ROLE = "leukoscope.role"

MOST_WAITING = 2_048
"""Spans that wait to be sent; of more, the oldest are dropped."""

SENT_AT_ONCE = 512
SEND_EVERY = 5.0
SEND_SECONDS = 5.0
"""Time limit for sending a batch, retries included; after that it is dropped."""

LAST_SECONDS = 2.0
"""Time limit at shutdown for sending the remaining spans."""

_KINDS = {Kind.REQUEST: SpanKind.SERVER, Kind.TASK: SpanKind.CONSUMER}
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Telemetry:
    """Sends spans in batches from a thread of its own; a collector that is down delays nothing.

    Args:
        url: where the collector takes traces, such as http://collector:4318/v1/traces.
        role: what this process is of the installation: `all`, `web` or `worker`.
    """

    def __init__(self, url: str, role: str) -> None:
        # In their place a sentence, when sending begins to fail and when it works again.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        who = {
            SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or NAME,
            SERVICE_INSTANCE_ID: new_id(),
            ROLE: role,
        }
        # Else its end would wait for the collector once more.
        self._provider = TracerProvider(resource=Resource.create(who), shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                _Collector(OTLPSpanExporter(endpoint=url, timeout=SEND_SECONDS)),
                max_queue_size=MOST_WAITING,
                schedule_delay_millis=1000 * SEND_EVERY,
                max_export_batch_size=SENT_AT_ONCE,
            )
        )
        self._tracer = self._provider.get_tracer(NAME)

    @contextmanager
    def span(self, name: str, kind: Kind, parent: str | None) -> Generator[Span]:
        """Time the block (`Tracer`)."""
        begun = self._tracer.start_span(name, _context_of(parent), _KINDS[kind])
        ids = begun.get_span_context()
        span = Span(
            format_trace_id(ids.trace_id),
            format_span_id(ids.span_id),
            ids.trace_flags.sampled,
            name,
        )
        try:
            yield span
        except BaseException as error:
            # Neither its text nor its traceback: both may quote what was typed.
            span.attributes.setdefault(Attribute.ERROR, type(error).__name__)
            raise
        finally:
            _end(begun, span)

    def close(self) -> None:
        """Send what waits, for `LAST_SECONDS` at the most (`Tracer`)."""
        sending = Thread(target=self._provider.shutdown, name="last traces", daemon=True)
        sending.start()
        sending.join(LAST_SECONDS)


class _Collector(SpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._fails = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._fails:
            log.warning(
                "The collector does not take traces; they are dropped until it does. "
                "Check LEUKOSCOPE_TRACES_URL."
            )
        elif self._fails and not failed:
            log.warning("The collector takes traces again.")
        self._fails = failed
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()


def _end(begun: OpenTelemetrySpan, span: Span) -> None:
    begun.update_name(span.name)
    noted = span.attributes | {
        Attribute.STATEMENTS: span.statements,
        Attribute.DATABASE_SECONDS: span.database_seconds,
    }
    begun.set_attributes({str(key): value for key, value in noted.items()})
    if Attribute.ERROR in noted:
        begun.set_status(Status(StatusCode.ERROR))
    begun.end()


def _context_of(parent: str | None) -> Context:
    """Return the context of a `traceparent`; one that is none begins a trace of its own."""
    found = _TRACEPARENT.fullmatch(parent or "")
    if not found:
        return Context()
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    ids = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags & 1))
    return set_span_in_context(NonRecordingSpan(ids), Context())
