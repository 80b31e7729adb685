"""What the run of schemathesis in test_openapi.py is held to beside its own checks."""

import json
import re

import jsonschema_rs
import schemathesis
from schemathesis import GenerationMode

# What a description cannot rule out: what bytes hold, what a model or a registry has, how fields of one request go together.
CODES = {
    "context_length_exceeded", "invalid_media", "invalid_schema", "malformed_request", "no_timestamps",
    "no_transcript", "template_error", "unknown_plugin", "unknown_version", "unsupported_media_type",
    "websocket_expected",
}
FIELDS = re.compile(
    r"best_of|dimensions|echo|file|input|logit_bias|max_tokens|prompt|response_format|stream|timestamp_granularities\[\]|"
    r"tokens|tool_choice(\..*)?|tools\[\d+\]\.function\.name|top_logprobs|messages\[\d+\]\.content\[\d+\]\..*|"
    r"gatehouse\.modalities\..*\.version")


@schemathesis.hook
def filter_case(context, case):
    """What is not worth sending."""
    path, body = case.operation.path, case.body
    if not isinstance(body, dict):
        return True
    if path == "/v1/embeddings":
        # As many as are allowed take minutes and say nothing that fewer do not; one more than that is refused.
        return not isinstance(body.get("input"), list) or not 64 < len(body["input"]) <= 2048
    if path == "/v1/audio/transcriptions":
        # In a form all is text: a list is a field several times, and an empty one no field, which cannot be refused.
        return not any(isinstance(value, list) and (name != "timestamp_granularities[]" or not value)
                       for name, value in body.items())
    return True


@schemathesis.check
def what_fits_is_taken_or_refused_for_a_reason(ctx, response, case):
    """`positive_data_acceptance`, which takes no reason."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE or response.status_code < 400:
        return
    error = response.json()["error"]
    if isinstance(error, str):
        # An operator's command names plugins that there are not.
        return
    if error["code"] in CODES or (error["code"] == "invalid_value" and FIELDS.fullmatch(error["param"] or "")):
        return
    raise AssertionError(f"refused: {response.status_code} {error}")


@schemathesis.check
def events_fit_their_schema(ctx, response, case):
    """Of a stream: `x-event` in the description says what each is."""
    if not (response.headers.get("content-type") or [""])[0].startswith("text/event-stream"):
        return
    document = case.operation.schema.raw_schema
    event = document["paths"][case.operation.path][case.method.lower()]["responses"]["200"]["content"][
        "text/event-stream"]["x-event"]
    fits = jsonschema_rs.Draft202012Validator({**event, "components": document["components"]})
    # schemathesis stops reading after some events, so that the last block may be part of one.
    events = response.content.decode().split("\n\n")[:-1]
    assert events, "the stream has no event"
    for text in events:
        data = text.removeprefix("data: ")
        for problem in fits.iter_errors(json.loads(data)) if data != "[DONE]" else ():
            raise AssertionError(f"{problem.message} in {text}")
