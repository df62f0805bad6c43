"""Reading and writing JSONL, CSV, TSV, Parquet, gzip or not: streaming, atomic, bad rows named."""

from detente.files.formats import DOCUMENTS, TABLES, ending, expand, table_format
from detente.files.reading import Row, column_names, count_rows, file_columns, read_rows
from detente.files.statements import Layout, Rejects, read_statements, write_statements
from detente.files.writing import atomic, column_types, write_json, write_rows, write_text

__all__ = [
    "DOCUMENTS",
    "TABLES",
    "Layout",
    "Rejects",
    "Row",
    "atomic",
    "column_names",
    "column_types",
    "count_rows",
    "ending",
    "expand",
    "file_columns",
    "read_rows",
    "read_statements",
    "table_format",
    "write_json",
    "write_rows",
    "write_statements",
    "write_text",
]
