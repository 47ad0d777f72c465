"""Every reason a file or a row of it is refused while it is read: stable codes, each with its sentence."""

from __future__ import annotations

from activation.errors import Rejected

# Refusals of the whole file. A sentence says what to do; a name in braces is a place (a row number, a column's
# name, a format), never what stands in a cell.
FILE_CODES: dict[str, str] = {
    "empty_file": "The file has no bytes, or nothing but blank lines.",
    "not_utf8": (
        "The text is not UTF-8: {share} of the rows with special characters in the first part cannot be "
        "decoded. Export as UTF-8, or set the connector's encoding (for one file: `activation drop --encoding`) "
        "to the one the export is in, such as shift_jis, gb18030, euc-kr, windows-1251 or windows-1252. It has to "
        "be the right one: with another, names turn into other letters and match nobody."
    ),
    "header_not_utf8": (
        "The header line is not UTF-8. Export as UTF-8, or set the connector's encoding (for one file: "
        "`activation drop --encoding`) to the one the export is in."
    ),
    "bad_encoding": (
        "The declared encoding is not one that can be read. Write one of {known} into the connector's encoding or "
        "the file's object metadata `text-encoding`, whichever declares it, or leave it out for UTF-8."
    ),
    "not_in_encoding": (
        "The text is not in {encoding}, the encoding that the connector or the drop declares: {share} of the "
        "rows with special characters in the first part cannot be decoded. Correct it, or export as UTF-8 and "
        "remove it."
    ),
    "header_not_in_encoding": "The header line is not in the encoding that the connector or the drop declares.",
    "utf8_not_declared": (
        "The text is UTF-8, but the connector or the drop declares {encoding}, in which every special character "
        "would be read as others. Remove the declaration, or export in that encoding."
    ),
    "utf16_without_bom": (
        "The text looks like UTF-16 without a byte order mark. Export as UTF-8, or as UTF-16 with the mark."
    ),
    "utf32_file": "The text is UTF-32. Export as UTF-8.",
    "zip_file": "The file is a zip archive. Unpack it and drop the file that is in it, or use gzip or zstd.",
    "xlsx_file": "The file is a spreadsheet (Excel or OpenDocument). Save it as CSV UTF-8 and drop that.",
    "html_page": (
        "The file is an HTML page, probably an error or log-in page saved by the export. Fetch it again."
    ),
    "xml_document": "The file is an XML document, probably an error answer saved by the export. Fetch it again.",
    "json_document": (
        "The file is one JSON document. JSON Lines is read: one flat object per line, without a list around them."
    ),
    "encrypted_parquet": "The Parquet file is encrypted. Write it without Parquet's own encryption.",
    "corrupt_parquet": "The Parquet file cannot be read: its footer or a page of it is damaged or missing.",
    "nested_parquet_column": (
        "Column {column} is nested ({type}); flat columns of text, numbers and dates are read. "
        "Leave it out of the export or write it as text."
    ),
    "unreadable_parquet_column": (
        "Column {column} is of type {type}; text, integer, number, boolean, date and timestamp are read. "
        "Leave it out of the export or write it as text."
    ),
    "compressed_parquet_too_large": (
        "The Parquet file is inside {compression} and too large to be unpacked in memory. "
        "Use Parquet's own compression (snappy, zstd) and drop the .parquet file itself."
    ),
    "unknown_format": (
        "The file is {seen}. CSV, TSV, JSON Lines and Parquet are read, the first three also as gzip or zstd."
    ),
    "duplicate_header": (
        "Columns {first} and {second} of the header have the same name. Give each column a name of its own."
    ),
    "header_unusable": "The header line cannot be used: {why}.",
    "header_missing": (
        "The first line holds a value where a column's name is expected (cell {column}). Add a header line, or "
        "drop a single-column list under the prefix of its identifier type."
    ),
    "record_too_long": "Row {row} is longer than {cap} bytes. A line break is missing, or this is no table.",
    "unterminated_quote": (
        "Row {row} opens a quoted cell that is not closed properly. Quotes within a quoted cell must be "
        "doubled or follow a backslash, and a closing quote must end the cell. Rows before it were read."
    ),
    "truncated_gzip": "The gzip file ends too early, after row {row}: the upload or the export was cut off.",
    "corrupt_gzip": "The gzip file is damaged after row {row}: its checksum or structure is wrong.",
    "truncated_zstd": "The zstd file ends too early, after row {row}: the upload or the export was cut off.",
    "corrupt_zstd": "The zstd file is damaged after row {row}: its checksum or structure is wrong.",
    "damaged_utf16": "The UTF-16 text is damaged or ends in the middle of a character, after row {row}.",
    "decompression_bomb": (
        "The file decompresses to more than is allowed, in size or in ratio. Split it, or raise the limit."
    ),
    "object_gone": "The object, or this version of it, is no longer in the bucket.",
    "object_archived": "The object was moved to an archive storage class. Restore it and replay the drop.",
    "headers_differ": (
        "{file} is unlike {first}, the folder's first file: {what}. Nothing was sent. Export all files of a "
        "folder in one format with the same columns in the same order, or drop {file} by itself."
    ),
    "object_changed": "The object's bytes are not those of the version that was announced.",
}

# Refusals of one row; it is counted, reported by its number and left out.
ROW_CODES: dict[str, str] = {
    "quote_not_closed": "A quoted cell of the row is not closed properly; the line after it is a row again.",
    "ragged_row": "The row has more cells than the header, or is a single line of text.",
    "nul_in_cell": "A cell holds a NUL character.",
    "not_utf8": "A cell is not valid in the file's encoding.",
    "bad_json": "The line is not one JSON object.",
    "nested_value": "A value is a JSON list or object.",
    "duplicate_key": "The JSON object has a key twice.",
    "unexpected_key": "The JSON object has a key that the first part of the file does not have.",
}


def refused(code: str, **places: object) -> Rejected:
    """Build the error of a file code; `places` fill the names of its sentence."""
    return Rejected(code, FILE_CODES[code].format_map(places))
