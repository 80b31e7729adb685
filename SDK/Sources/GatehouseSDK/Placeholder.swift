@_exported import CGatehouse
