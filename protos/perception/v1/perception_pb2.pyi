from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECISION_UNSPECIFIED: _ClassVar[Precision]
    PRECISION_FLOAT32: _ClassVar[Precision]
    PRECISION_FLOAT16: _ClassVar[Precision]
PRECISION_UNSPECIFIED: Precision
PRECISION_FLOAT32: Precision
PRECISION_FLOAT16: Precision

class RawImages(_message.Message):
    __slots__ = ("count", "height", "width", "pixels")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    count: int
    height: int
    width: int
    pixels: bytes
    def __init__(self, count: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., pixels: _Optional[bytes] = ...) -> None: ...

class ImageFiles(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, files: _Optional[_Iterable[bytes]] = ...) -> None: ...

class SharedImages(_message.Message):
    __slots__ = ("segment", "offset", "count", "height", "width")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    segment: str
    offset: int
    count: int
    height: int
    width: int
    def __init__(self, segment: _Optional[str] = ..., offset: _Optional[int] = ..., count: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ...) -> None: ...

class SharedRoom(_message.Message):
    __slots__ = ("segment", "offset", "bytes")
    SEGMENT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    segment: str
    offset: int
    bytes: int
    def __init__(self, segment: _Optional[str] = ..., offset: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class Images(_message.Message):
    __slots__ = ("raw", "files", "shared")
    RAW_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    raw: RawImages
    files: ImageFiles
    shared: SharedImages
    def __init__(self, raw: _Optional[_Union[RawImages, _Mapping]] = ..., files: _Optional[_Union[ImageFiles, _Mapping]] = ..., shared: _Optional[_Union[SharedImages, _Mapping]] = ...) -> None: ...

class EncodeRequest(_message.Message):
    __slots__ = ("images", "tasks", "feature_set", "precision", "room")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_SET_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    ROOM_FIELD_NUMBER: _ClassVar[int]
    images: Images
    tasks: _containers.RepeatedScalarFieldContainer[str]
    feature_set: str
    precision: Precision
    room: SharedRoom
    def __init__(self, images: _Optional[_Union[Images, _Mapping]] = ..., tasks: _Optional[_Iterable[str]] = ..., feature_set: _Optional[str] = ..., precision: _Optional[_Union[Precision, str]] = ..., room: _Optional[_Union[SharedRoom, _Mapping]] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("decode_us", "queue_us", "inference_us", "total_us", "batch_images")
    DECODE_US_FIELD_NUMBER: _ClassVar[int]
    QUEUE_US_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_US_FIELD_NUMBER: _ClassVar[int]
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    BATCH_IMAGES_FIELD_NUMBER: _ClassVar[int]
    decode_us: int
    queue_us: int
    inference_us: int
    total_us: int
    batch_images: int
    def __init__(self, decode_us: _Optional[int] = ..., queue_us: _Optional[int] = ..., inference_us: _Optional[int] = ..., total_us: _Optional[int] = ..., batch_images: _Optional[int] = ...) -> None: ...

class Features(_message.Message):
    __slots__ = ("shape", "precision", "data")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    precision: Precision
    data: bytes
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., precision: _Optional[_Union[Precision, str]] = ..., data: _Optional[bytes] = ...) -> None: ...

class EncodeResponse(_message.Message):
    __slots__ = ("features", "tasks", "timings", "bank_sha256")
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    BANK_SHA256_FIELD_NUMBER: _ClassVar[int]
    features: Features
    tasks: _containers.RepeatedScalarFieldContainer[str]
    timings: Timings
    bank_sha256: str
    def __init__(self, features: _Optional[_Union[Features, _Mapping]] = ..., tasks: _Optional[_Iterable[str]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., bank_sha256: _Optional[str] = ...) -> None: ...

class EncodeStreamRequest(_message.Message):
    __slots__ = ("request", "sequence", "latest_only", "timeout_us")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LATEST_ONLY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    request: EncodeRequest
    sequence: int
    latest_only: bool
    timeout_us: int
    def __init__(self, request: _Optional[_Union[EncodeRequest, _Mapping]] = ..., sequence: _Optional[int] = ..., latest_only: bool = ..., timeout_us: _Optional[int] = ...) -> None: ...

class EncodeStreamResponse(_message.Message):
    __slots__ = ("sequence", "response", "failure", "skipped")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    response: EncodeResponse
    failure: Failure
    skipped: int
    def __init__(self, sequence: _Optional[int] = ..., response: _Optional[_Union[EncodeResponse, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., skipped: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message", "retry_after_ms")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    retry_after_ms: int
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class PredictRequest(_message.Message):
    __slots__ = ("images", "task", "with_pictures", "seed")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    WITH_PICTURES_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    images: Images
    task: str
    with_pictures: bool
    seed: int
    def __init__(self, images: _Optional[_Union[Images, _Mapping]] = ..., task: _Optional[str] = ..., with_pictures: bool = ..., seed: _Optional[int] = ...) -> None: ...

class Array(_message.Message):
    __slots__ = ("shape", "dtype", "data")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    dtype: str
    data: bytes
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., dtype: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("values", "pictures", "captions", "task", "unit", "timings", "bank_sha256")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    CAPTIONS_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    BANK_SHA256_FIELD_NUMBER: _ClassVar[int]
    values: Array
    pictures: _containers.RepeatedScalarFieldContainer[bytes]
    captions: _containers.RepeatedScalarFieldContainer[str]
    task: str
    unit: str
    timings: Timings
    bank_sha256: str
    def __init__(self, values: _Optional[_Union[Array, _Mapping]] = ..., pictures: _Optional[_Iterable[bytes]] = ..., captions: _Optional[_Iterable[str]] = ..., task: _Optional[str] = ..., unit: _Optional[str] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., bank_sha256: _Optional[str] = ...) -> None: ...

class ListFeaturesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Preprocessing(_message.Message):
    __slots__ = ("side_px", "lowest", "highest")
    SIDE_PX_FIELD_NUMBER: _ClassVar[int]
    LOWEST_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_FIELD_NUMBER: _ClassVar[int]
    side_px: int
    lowest: float
    highest: float
    def __init__(self, side_px: _Optional[int] = ..., lowest: _Optional[float] = ..., highest: _Optional[float] = ...) -> None: ...

class TaskFeatures(_message.Message):
    __slots__ = ("task", "description", "shape", "preprocessing", "has_head", "weights_sha256", "card_json")
    TASK_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    HAS_HEAD_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_SHA256_FIELD_NUMBER: _ClassVar[int]
    CARD_JSON_FIELD_NUMBER: _ClassVar[int]
    task: str
    description: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    preprocessing: Preprocessing
    has_head: bool
    weights_sha256: str
    card_json: str
    def __init__(self, task: _Optional[str] = ..., description: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., preprocessing: _Optional[_Union[Preprocessing, _Mapping]] = ..., has_head: bool = ..., weights_sha256: _Optional[str] = ..., card_json: _Optional[str] = ...) -> None: ...

class FeatureSet(_message.Message):
    __slots__ = ("name", "tasks")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    name: str
    tasks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., tasks: _Optional[_Iterable[str]] = ...) -> None: ...

class ListFeaturesResponse(_message.Message):
    __slots__ = ("bank", "bank_sha256", "architecture", "tasks", "sets", "precision", "largest_batch", "largest_message_bytes", "takes_shared_memory", "local_socket")
    BANK_FIELD_NUMBER: _ClassVar[int]
    BANK_SHA256_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    LARGEST_BATCH_FIELD_NUMBER: _ClassVar[int]
    LARGEST_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    TAKES_SHARED_MEMORY_FIELD_NUMBER: _ClassVar[int]
    LOCAL_SOCKET_FIELD_NUMBER: _ClassVar[int]
    bank: str
    bank_sha256: str
    architecture: str
    tasks: _containers.RepeatedCompositeFieldContainer[TaskFeatures]
    sets: _containers.RepeatedCompositeFieldContainer[FeatureSet]
    precision: str
    largest_batch: int
    largest_message_bytes: int
    takes_shared_memory: bool
    local_socket: str
    def __init__(self, bank: _Optional[str] = ..., bank_sha256: _Optional[str] = ..., architecture: _Optional[str] = ..., tasks: _Optional[_Iterable[_Union[TaskFeatures, _Mapping]]] = ..., sets: _Optional[_Iterable[_Union[FeatureSet, _Mapping]]] = ..., precision: _Optional[str] = ..., largest_batch: _Optional[int] = ..., largest_message_bytes: _Optional[int] = ..., takes_shared_memory: bool = ..., local_socket: _Optional[str] = ...) -> None: ...

class LocalRequest(_message.Message):
    __slots__ = ("request", "timeout_us", "token")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    request: EncodeRequest
    timeout_us: int
    token: str
    def __init__(self, request: _Optional[_Union[EncodeRequest, _Mapping]] = ..., timeout_us: _Optional[int] = ..., token: _Optional[str] = ...) -> None: ...

class LocalResponse(_message.Message):
    __slots__ = ("response", "failure")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    response: EncodeResponse
    failure: Failure
    def __init__(self, response: _Optional[_Union[EncodeResponse, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ...) -> None: ...
