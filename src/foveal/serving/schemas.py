"""Bodies of requests and answers, as /openapi.json describes them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Described(BaseModel):
    """Base of all: keys may be added."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class Failure(Described):
    """Why a request was not answered."""

    error: str
    what: str
    needed: str
    came: str
    remedy: str


class Row(Described):
    """A row of a table about a picture, under the columns that the command of that name has."""

    path: str = Field(description="Name under which the picture came; 'body' without one.")
    error: str | None = Field(description="Why there is no answer; null where there is one.")


class Table(Described):
    """Rows of answers, one a picture, in the order in which they came."""

    model: str
    digest: str = Field(description="Hash of the model that answered.")
    rows: int
    unreadable: int
    pictures: list[Row]


class Predicted(Table):
    """What pictures are."""

    classes_left_out: int = Field(
        description="Classes that each row does not tell, being less probable than those it does."
    )
    left: int | None = Field(
        description="Pictures left to a person; null where the server answers everything."
    )
    refusal: dict[str, Any] | None = Field(description="From when on it answers.")


class CodeRow(Row):
    """A picture's code, or its features."""

    code: list[float] | None


class Codes(Table):
    """Codes of pictures."""

    code_size: int
    pictures: list[CodeRow]  # type: ignore[assignment]


class Unusual(Described):
    """How unusual pictures are."""

    model: str
    digest: str
    threshold: dict[str, Any]
    rows: int
    above: int
    unreadable: int
    compared_with: int | None = Field(
        description="Usual pictures that each is compared with; null for an autoencoder."
    )
    notes: list[str]
    pictures: list[Row]


class Found(Described):
    """A picture of the index."""

    rank: int
    distance: float
    path: str


class Query(Described):
    """What was found for one picture."""

    path: str
    error: str | None
    found: list[Found]


class Similar(Described):
    """The pictures of an index that are most like others."""

    model: str
    digest: str
    measure: str
    indexed: int
    queries: list[Query]


class Code(Described):
    """A code, as `encode` gave it."""

    code: list[float]


class Live(Described):
    """Whether the process runs."""

    live: bool


class Ready(Described):
    """Whether requests are taken."""

    ready: bool
    notes: list[str] = Field(default_factory=list, description="What keeps an older model served.")


class Server(Described):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]
    models: list[str]


class TensorFacts(Described):
    """A tensor that a model takes or gives; -1 for any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelFacts(Described):
    """What a model takes and gives."""

    name: str
    platform: str
    versions: list[str]
    inputs: list[TensorFacts]
    outputs: list[TensorFacts]


class Tensor(Described):
    """A tensor: its numbers row by row, or `binary_data_size` bytes of them behind the JSON."""

    name: str
    shape: list[int]
    datatype: Literal[
        "BOOL", "UINT8", "UINT16", "UINT32", "INT8", "INT16", "INT32", "INT64",
        "FP16", "FP32", "FP64", "BYTES",
    ]  # fmt: skip
    parameters: dict[str, Any] | None = None
    data: list[Any] | None = None


class WantedTensor(Described):
    """An output that is wanted."""

    name: str
    parameters: dict[str, Any] | None = None


class Inference(Described):
    """A request to infer."""

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[Tensor]
    outputs: list[WantedTensor] | None = None


class Inferred(Described):
    """The answer to a request to infer."""

    model_name: str
    id: str | None = None
    outputs: list[Tensor]
