"""gRPC channels as this client wants them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

from perception.remote.forks import check_usable, note_channel
from perception.remote.local_socket import AsyncLocalEncode, BlockingLocalEncode, Sockets
from perception.remote.options import SHARED_MEMORY, STREAM, Options
from perception.remote.streams import AsyncStreamEncode, BlockingStreamEncode, Streams
from protos.perception.v1.perception_pb2_grpc import PerceptionStub

_SERVICE_CONFIG: Mapping[str, object] = {"loadBalancingConfig": [{"round_robin": {}}]}
_CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_retries", 0),  # `Attempts` decides
    ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
    ("grpc.enable_http_proxy", 0),  # robots' servers are near; a proxy for the web would not lead to them
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long an attempt to connect may take, whatever its name says
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


@dataclass(frozen=True, eq=False)
class Calls:
    """A channel and what can be called through it.

    Args:
        channel: Of `grpc` or `grpc.aio`.
        encode: EncodeRequest to EncodeResponse.
        encode_stream: EncodeStreamRequests to EncodeStreamResponses.
        list_features: ListFeaturesRequest to ListFeaturesResponse.
        sockets: Over which `encode` goes instead, where it does.
        streams: Likewise.
    """

    channel: Any
    encode: Callable[..., Any]
    encode_stream: Callable[..., Any]
    list_features: Callable[..., Any]
    sockets: Sockets
    streams: Streams[Any] | None

    def close(self) -> None:
        """End what `encode` goes over; the channel is another matter."""
        self.sockets.close()
        if self.streams is not None:
            self.streams.close()

    def abandon(self) -> None:
        """In a forked child: leave it to the parent."""
        self.sockets.abandon()
        if self.streams is not None:
            self.streams.abandon()


def open_calls(options: Options) -> Calls:
    """Calls that block. Connects when the first is made.

    Raises:
        UserError: If a certificate cannot be read, or calls would hang because of what this process was forked from.
    """
    check_usable()
    if options.address.is_encrypted:
        channel = grpc.secure_channel(options.address.target, _credentials(options), _CHANNEL_OPTIONS)
    else:
        channel = grpc.insecure_channel(options.address.target, _CHANNEL_OPTIONS)
    note_channel()
    return _calls(channel, options, BlockingLocalEncode, BlockingStreamEncode)


def open_async_calls(options: Options) -> Calls:
    """Calls to be awaited in the running event loop.

    Raises:
        UserError: As `open_calls`.
    """
    check_usable(with_asyncio=True)
    if options.address.is_encrypted:
        channel = grpc.aio.secure_channel(options.address.target, _credentials(options), _CHANNEL_OPTIONS)
    else:
        channel = grpc.aio.insecure_channel(options.address.target, _CHANNEL_OPTIONS)
    note_channel(with_asyncio=True)
    return _calls(channel, options, AsyncLocalEncode, AsyncStreamEncode)


def _calls(
    channel: Any,
    options: Options,
    local_encode: Callable[..., Any],
    stream_encode: type[BlockingStreamEncode] | type[AsyncStreamEncode],
) -> Calls:
    stub = PerceptionStub(channel)
    sockets = Sockets(blocking=local_encode is BlockingLocalEncode)
    if options.transport == STREAM:
        over_streams = stream_encode(stub.Encode, stub.EncodeStream)
        return Calls(channel, over_streams, stub.EncodeStream, stub.ListFeatures, sockets, over_streams.streams)
    encode: Callable[..., Any] = stub.Encode
    if options.transport == SHARED_MEMORY:
        encode = local_encode(encode, stub.ListFeatures, options.token, sockets)
    return Calls(channel, encode, stub.EncodeStream, stub.ListFeatures, sockets, None)


def _credentials(options: Options) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(*options.certificates.contents())
