"""Signs ad impressions, promotional offers and user tokens in bulk.

``sign_rows`` signs dictionaries, ``sign_table`` whatever speaks Arrow (pyarrow, DuckDB,
Polars, pandas), ``campaign_signer.spark.sign`` a Spark DataFrame. All three start the
program that this package carries, and check that every row comes back.
"""

from campaign_signer._binary import find_binary
from campaign_signer.arrow import sign_batches, sign_table
from campaign_signer.errors import (
    BinaryNotFoundError,
    DataError,
    InternalError,
    InterruptedSigningError,
    ProcessDiedError,
    ProtocolError,
    SignError,
    SigningKeyError,
    StalledError,
    StreamError,
    UsageError,
)
from campaign_signer.fields import SignedField, signed_fields
from campaign_signer.process import Summary
from campaign_signer.rows import RowError, SignedRows, sign_rows
from campaign_signer.settings import Settings

__all__ = [
    "BinaryNotFoundError",
    "DataError",
    "InternalError",
    "InterruptedSigningError",
    "ProcessDiedError",
    "ProtocolError",
    "RowError",
    "Settings",
    "SignError",
    "SignedField",
    "SignedRows",
    "SigningKeyError",
    "StalledError",
    "StreamError",
    "Summary",
    "UsageError",
    "find_binary",
    "sign_batches",
    "sign_rows",
    "sign_table",
    "signed_fields",
]
