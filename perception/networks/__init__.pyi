from .published import PUBLISHED_HEADS as PUBLISHED_HEADS
from .published import PublishedHead as PublishedHead
from .published import load_published as load_published
from .resnet50 import REPRESENTATION_CHANNELS as REPRESENTATION_CHANNELS
from .resnet50 import REPRESENTATION_SIDE as REPRESENTATION_SIDE
from .resnet50 import DenseDecoder as DenseDecoder
from .resnet50 import ResNet50Encoder as ResNet50Encoder
from .resnet50 import VectorDecoder as VectorDecoder
