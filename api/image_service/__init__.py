"""The image service: `/image…`, also under `/v1`; pictures as data URIs in JSON."""
