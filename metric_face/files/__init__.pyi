from .atomic import file_target as file_target
from .atomic import flush_to_disk as flush_to_disk
from .atomic import holds_text as holds_text
from .atomic import inside as inside
from .atomic import sha256_of as sha256_of
from .atomic import write_atomically as write_atomically
from .atomic import write_text as write_text
from .attributed_pairs import PAIRS as PAIRS
from .attributed_pairs import keep_pair as keep_pair
from .attributed_pairs import kept_pairs as kept_pairs
from .attributed_pairs import pair_of as pair_of
from .checked_files import build as build
from .checked_files import check_digest as check_digest
from .checked_files import digest_of as digest_of
from .checked_files import parse_json as parse_json
from .checked_files import read_json as read_json
from .checked_files import shown as shown
from .checked_files import write_json as write_json
from .checked_tables import read_metrics as read_metrics
from .checked_tables import read_rows as read_rows
from .folders import ALIGNED as ALIGNED
from .folders import EMBEDDINGS as EMBEDDINGS
from .folders import INDEX as INDEX
from .folders import PROJECTOR as PROJECTOR
from .folders import FolderKind as FolderKind
from .folders import check_holds_nothing_else as check_holds_nothing_else
from .folders import finish_interrupted_swap as finish_interrupted_swap
from .folders import folder_target as folder_target
from .folders import holds_only as holds_only
from .folders import replace_folder as replace_folder
from .known_digests import known_sha256 as known_sha256
from .picture_mark import MARK as MARK
from .plain_data import plain as plain
from .rules import DIGEST as DIGEST
from .rules import FINITE as FINITE
from .rules import MAPPING as MAPPING
from .rules import TEXT as TEXT
from .rules import WHOLE as WHOLE
from .rules import Rule as Rule
from .rules import list_of as list_of
from .rules import mapping_of as mapping_of
from .rules import maybe as maybe
from .run_files import begin_run as begin_run
from .run_files import check_run as check_run
from .run_files import check_run_file as check_run_file
from .run_files import read_facts as read_facts
from .run_files import remedy_of as remedy_of
from .run_files import seal_run as seal_run
from .staging import SUFFIX as SUFFIX
from .staging import claim as claim
from .staging import place_of as place_of
from .staging import tidy as tidy
from .whole_reading import read_whole as read_whole

__all__ = [
    "ALIGNED",
    "DIGEST",
    "EMBEDDINGS",
    "FINITE",
    "INDEX",
    "MAPPING",
    "MARK",
    "PAIRS",
    "PROJECTOR",
    "SUFFIX",
    "TEXT",
    "WHOLE",
    "FolderKind",
    "Rule",
    "begin_run",
    "build",
    "check_digest",
    "check_holds_nothing_else",
    "check_run",
    "check_run_file",
    "claim",
    "digest_of",
    "file_target",
    "finish_interrupted_swap",
    "flush_to_disk",
    "folder_target",
    "holds_only",
    "holds_text",
    "inside",
    "keep_pair",
    "kept_pairs",
    "known_sha256",
    "list_of",
    "mapping_of",
    "maybe",
    "pair_of",
    "parse_json",
    "place_of",
    "plain",
    "read_facts",
    "read_json",
    "read_metrics",
    "read_rows",
    "read_whole",
    "remedy_of",
    "replace_folder",
    "seal_run",
    "sha256_of",
    "shown",
    "tidy",
    "write_atomically",
    "write_json",
    "write_text",
]
