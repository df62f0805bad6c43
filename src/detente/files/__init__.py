"""Reading and writing JSONL, CSV, TSV, Parquet, gzip or not: streaming, atomic, bad rows named."""

from detente.files.blocks import read_blocks
from detente.files.formats import DOCUMENTS, TABLES, ending, expand, table_format
from detente.files.reading import Kind, column_names, column_types, count_rows, file_columns, read_rows
from detente.files.rows import Block, Place, Row
from detente.files.statements import Layout, Rejects, check_columns, read_statements, write_statements
from detente.files.writing import atomic, write_json, write_rows, write_text

__all__ = [
    "DOCUMENTS",
    "TABLES",
    "Block",
    "Kind",
    "Layout",
    "Place",
    "Rejects",
    "Row",
    "atomic",
    "check_columns",
    "column_names",
    "column_types",
    "count_rows",
    "ending",
    "expand",
    "file_columns",
    "read_blocks",
    "read_rows",
    "read_statements",
    "table_format",
    "write_json",
    "write_rows",
    "write_statements",
    "write_text",
]
