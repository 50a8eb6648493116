from .attribute import Attribute as Attribute
from .attribute import Codes as Codes
from .attribute import obvious_attributes as obvious_attributes
from .augmentation import Augmentation as Augmentation
from .boxes import BOX as BOX
from .boxes import box_of as box_of
from .boxes import file_name_of as file_name_of
from .boxes import file_of as file_of
from .boxes import fold_boxes as fold_boxes
from .boxes import has_boxes as has_boxes
from .csv_text import read_csv_text as read_csv_text
from .dataset import ImageDataset as ImageDataset
from .dataset import PixelCache as PixelCache
from .fingerprints import SIDE as SIDE
from .fingerprints import perceptual_bits as perceptual_bits
from .fingerprints import take_fingerprints as take_fingerprints
from .image_files import images_below as images_below
from .image_inputs import ImageInput as ImageInput
from .image_inputs import input_names as input_names
from .image_rows import PIECE as PIECE
from .image_rows import ImageRows as ImageRows
from .image_rows import TableRows as TableRows
from .image_rows import digest_rows as digest_rows
from .image_rows import names_of as names_of
from .image_rows import recut as recut
from .image_stamps import COLUMNS as COLUMNS
from .image_stamps import ImageState as ImageState
from .image_stamps import compare_stamps as compare_stamps
from .image_stamps import take_stamps as take_stamps
from .images import content_hashes as content_hashes
from .images import find_broken as find_broken
from .images import open_image as open_image
from .images import refuse_broken as refuse_broken
from .label_parsing import is_nested as is_nested
from .label_parsing import text_of as text_of
from .labels import LabelSpace as LabelSpace
from .labels import identity_labels as identity_labels
from .parquet_rows import ParquetRows as ParquetRows
from .preparation import PreparedData as PreparedData
from .preparation import prepare_data as prepare_data
from .preparation import reopen_data as reopen_data
from .preparation import split_table as split_table
from .seeded import seeded as seeded
from .split import split_by_identity as split_by_identity
from .table import ImageTable as ImageTable
from .targets import Targets as Targets
from .targets import identities_of as identities_of
from .targets import targets_of as targets_of
from .templates import Template as Template
from .templates import listed as listed
from .templates import refuse_repeated as refuse_repeated
from .transforms import IMAGENET_MEAN as IMAGENET_MEAN
from .transforms import IMAGENET_STD as IMAGENET_STD
from .transforms import EvalTransform as EvalTransform
from .unseen import Unseen as Unseen
from .whereabouts import base_of as base_of
from .whereabouts import data_root as data_root
from .whereabouts import given_root as given_root
from .whereabouts import moved as moved
from .whereabouts import refuse_missing as refuse_missing
from .whereabouts import report_image_state as report_image_state
from .whereabouts import root_beside as root_beside

__all__ = [
    "BOX",
    "COLUMNS",
    "PIECE",
    "SIDE",
    "Attribute",
    "Augmentation",
    "Codes",
    "EvalTransform",
    "ImageDataset",
    "ImageInput",
    "ImageRows",
    "ImageState",
    "ImageTable",
    "LabelSpace",
    "ParquetRows",
    "PixelCache",
    "PreparedData",
    "TableRows",
    "Targets",
    "Template",
    "Unseen",
    "base_of",
    "box_of",
    "compare_stamps",
    "content_hashes",
    "data_root",
    "digest_rows",
    "file_name_of",
    "file_of",
    "find_broken",
    "fold_boxes",
    "given_root",
    "has_boxes",
    "identities_of",
    "identity_labels",
    "images_below",
    "input_names",
    "is_nested",
    "listed",
    "moved",
    "names_of",
    "obvious_attributes",
    "open_image",
    "perceptual_bits",
    "prepare_data",
    "read_csv_text",
    "recut",
    "refuse_broken",
    "refuse_missing",
    "refuse_repeated",
    "reopen_data",
    "report_image_state",
    "root_beside",
    "seeded",
    "split_by_identity",
    "split_table",
    "take_fingerprints",
    "take_stamps",
    "targets_of",
    "text_of",
]
