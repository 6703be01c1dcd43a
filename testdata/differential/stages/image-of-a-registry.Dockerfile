ARG REGISTRY
FROM ${REGISTRY}/library/tiny
COPY one /one
