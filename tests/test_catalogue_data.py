import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema

import mockserver
from mockserver import resources
from mockserver.errors import catalogue

DATA: dict[str, Any] = resources.load("fixtures", "errors.json")
ROWS: list[dict[str, Any]] = DATA["errors"]
MODULES = Path(mockserver.__file__).parent
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")

# Every code that the error pages list or that was seen on the wire, in either dialect.
CODES = """
    APIConnectionError
    AccessDenied
    AccessDenied.Unpurchased
    AllocationQuota.FreeTierOnly
    App.AccessDenied
    AppProcessFailed
    Arrearage
    Audio.AudioRateError
    Audio.AudioShortError
    Audio.AudioSilentError
    Audio.DecoderError
    Audio.DurationLimitError
    Audio.FileSizeExceed
    Audio.PreprocessError
    BadRequest.EmptyInput
    BadRequest.EmptyModel
    BadRequest.EmptyParameters
    BadRequest.IllegalInput
    BadRequest.InputDownloadFailed
    BadRequest.ResourceNotExist
    BadRequest.TooLarge
    BadRequest.TooMany
    BadRequest.UnsupportedFileFormat
    BadRequest.VoiceNotFound
    BadRequestException
    ClientDisconnect
    CommodityNotPurchased
    Conflict
    CustomRoleBlocked
    DataInspectionFailed
    Endpoint.AccessDenied
    FaqRuleBlocked
    FlowNotPublished
    IPInfringementSuspect
    InternalError
    InternalError.Algo
    InternalError.FileUpload
    InternalError.Timeout
    InternalError.Upload
    InvalidApiKey
    InvalidFile.AspectRatio
    InvalidFile.AudioLengthError
    InvalidFile.BodyPose
    InvalidFile.BodyProportion
    InvalidFile.Content
    InvalidFile.DownloadFailed
    InvalidFile.Duration
    InvalidFile.FPS
    InvalidFile.FaceNotMatch
    InvalidFile.FacePose
    InvalidFile.Format
    InvalidFile.FrontBody
    InvalidFile.FullBody
    InvalidFile.FullFace
    InvalidFile.ImageSize
    InvalidFile.MultiHuman
    InvalidFile.NoHuman
    InvalidFile.Openerror
    InvalidFile.Resolution
    InvalidFile.Size
    InvalidFile.Template.Content
    InvalidFile.Value
    InvalidGarment
    InvalidImage.FileFormat
    InvalidImage.ImageSize
    InvalidImage.NoHumanFace
    InvalidImageFormat
    InvalidImageResolution
    InvalidInputLength
    InvalidParameter
    InvalidParameter.DataInspection
    InvalidParameter.NotSupportEnableThinking
    InvalidPerson
    InvalidSchema
    InvalidSchemaFormat
    InvalidURL
    InvalidURL.ConnectionRefused
    InvalidURL.Timeout
    InvokePluginFailed
    LimitRequests
    Method Not Allowed
    Model.AccessDenied
    ModelNotFound
    ModelServiceFailed
    ModelServingError
    ModelUnavailable
    NOT AUTHORIZED
    Not Found
    NotFound
    PostpaidBillOverdue
    PrepaidBillOverdue
    RequestTimeOut
    RetrivalFailed
    RewriteFailed
    ServiceUnavailableError
    SystemError
    Throttling
    Throttling.AllocationQuota
    Throttling.BurstRate
    Throttling.Concurrency
    Throttling.RateQuota
    UnsupportedOperation
    WorkSpaceNotFound
    Workspace.AccessDenied
    access_denied
    data_inspection_failed
    duplicate_custom_id
    insufficient_quota
    internal_error
    internal_server_error
    invalid_api_key
    invalid_parameter_error
    invalid_request_error
    invalid_value
    limit_burst_rate
    limit_requests
    mismatched_model
    mismatched_test_url
    model_not_found
    model_not_supported
    service_unavailable
    url_not_found
"""

# How modules name errors: `ApiError("...")`, `Rule("...")`, or a bare `Code/slug` in a table.
NAMED = re.compile(r'(?:ApiError|Rule)\(\s*"([^"]+)"|"([A-Z][A-Za-z.]*/[a-z0-9-]+)"')


def _messages(form: dict[str, Any]) -> list[str]:
    return [form["message"], *(era["message"] for era in form.get("by_profile", {}).values())]


def test_the_file_satisfies_its_schema() -> None:
    schema = resources.load("schemas", "control", "catalogue.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(DATA))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_the_file_is_written_one_way() -> None:
    written = resources.path("fixtures", "errors.json").read_text(encoding="utf-8")
    assert written.endswith("}\n")
    assert "\\u" not in written
    order = [(row["native"]["status"], row["name"]) for row in ROWS]
    assert order == sorted(order)


def test_names_and_aliases_are_unique() -> None:
    names = Counter(name for row in ROWS for name in (row["name"], *row.get("aliases", ())))
    assert [name for name, count in names.items() if count > 1] == []


def test_a_name_begins_with_its_native_code() -> None:
    assert [row["name"] for row in ROWS if row["name"].split("/")[0] != row["native"]["code"]] == []


def test_the_example_fills_every_placeholder_and_nothing_else() -> None:
    for row in ROWS:
        messages = _messages(row["native"]) + _messages(row["compatible"])
        placeholders = {name for message in messages for name in PLACEHOLDER.findall(message)}
        assert placeholders == set(row.get("example", {})), row["name"]


def test_the_engine_prefixes_and_the_gateway_links_but_nobody_does_both() -> None:
    for entry in catalogue().values():
        assert not (entry.native.anchor and entry.native.prefix), entry.name
        assert not (entry.compatible.anchor and entry.compatible.prefix), entry.name
        assert entry.compatible.shape == "engine" or not entry.compatible.prefix, entry.name


def test_messages_hold_neither_prefix_nor_link() -> None:
    for entry in catalogue().values():
        for form in (entry.native, entry.compatible):
            for message in (form.message, *form.alternatives):
                assert not message.startswith("<"), entry.name
                assert "error-code#" not in message, entry.name


def test_explanations_are_sentences_in_both_languages() -> None:
    for entry in catalogue().values():
        assert entry.explanation["en"].endswith("."), entry.name
        assert entry.explanation["zh"].endswith("。"), entry.name
        assert entry.native.message not in entry.explanation["en"], entry.name


def test_refused_streams_follow_the_stage_that_refuses() -> None:
    refused = {row["native"]["stream"] for row in ROWS if row["native"]["status"] == 401}
    limited = {row["native"]["stream"] for row in ROWS if row["native"]["status"] in {403, 429}}
    assert refused == {"plain"}
    assert limited == {"event-status"}
    assert catalogue()["Arrearage"].native.stream == "event-status"
    assert catalogue()["InvalidParameter/max-tokens-range"].native.stream == "event-200"


def test_waiting_helps_against_rates_but_not_against_bills() -> None:
    assert catalogue()["Throttling.RateQuota"].retryable
    assert catalogue()["InvalidParameter/file-parsing"].retryable
    assert catalogue()["ModelServingError"].retryable
    assert not catalogue()["Throttling.AllocationQuota/free"].retryable
    assert not catalogue()["Arrearage"].retryable
    assert not catalogue()["InvalidApiKey"].retryable


def test_every_documented_code_is_found() -> None:
    for code in CODES.strip().splitlines():
        entry = catalogue()[code.strip()]
        assert code.strip() in {entry.name, entry.native.code, entry.compatible.code, *entry.aliases}


def test_every_name_in_a_module_is_an_entry() -> None:
    for module in sorted(MODULES.rglob("*.py")):
        named = {bare or slugged for bare, slugged in NAMED.findall(module.read_text(encoding="utf-8"))}
        assert named - set(catalogue()) == set(), module.name
