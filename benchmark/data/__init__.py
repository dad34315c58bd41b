"""The data sets, one reader per family; every reader yields `Request` or `Exchange` records."""

from benchmark.data.records import Exchange, Request
from benchmark.data.registry import SETS, SetInfo
from benchmark.data.root import DataError, data_root

__all__ = ["SETS", "DataError", "Exchange", "Request", "SetInfo", "data_root"]
