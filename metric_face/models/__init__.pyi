from .backbones import Backbone as Backbone
from .backbones import find_backbone as find_backbone
from .backbones import fitting_size as fitting_size
from .card import read_card as read_card
from .card import write_card as write_card
from .embedding_model import EmbeddingModel as EmbeddingModel
from .embedding_model import EmbeddingOnly as EmbeddingOnly
from .embedding_model import ImageEmbedder as ImageEmbedder
from .embedding_model import ModelOutput as ModelOutput
from .heads import LEAST_SCALE as LEAST_SCALE
from .light import LIGHT as LIGHT
from .light import RECORD as RECORD
from .light import light_embedder as light_embedder
from .light import pattern_vector as pattern_vector
from .light import read_light_record as read_light_record
from .light import write_light_record as write_light_record
from .onnx import OnnxEmbedder as OnnxEmbedder
from .onnx import export_onnx as export_onnx
from .onnx_pixels import PixelsAgreement as PixelsAgreement
from .onnx_pixels import export_pixels as export_pixels
from .precision import computing_dtype as computing_dtype
from .precision import device_of_choice as device_of_choice
from .precision import training_dtype as training_dtype
from .published import published_weights as published_weights
from .quantization import quantize_onnx as quantize_onnx
from .save_load import load_backbone as load_backbone
from .save_load import load_model as load_model
from .save_load import record_onnx as record_onnx
from .save_load import save_model as save_model

__all__ = [
    "LEAST_SCALE",
    "LIGHT",
    "RECORD",
    "Backbone",
    "EmbeddingModel",
    "EmbeddingOnly",
    "ImageEmbedder",
    "ModelOutput",
    "OnnxEmbedder",
    "PixelsAgreement",
    "computing_dtype",
    "device_of_choice",
    "export_onnx",
    "export_pixels",
    "find_backbone",
    "fitting_size",
    "light_embedder",
    "load_backbone",
    "load_model",
    "pattern_vector",
    "published_weights",
    "quantize_onnx",
    "read_card",
    "read_light_record",
    "record_onnx",
    "save_model",
    "training_dtype",
    "write_card",
    "write_light_record",
]
