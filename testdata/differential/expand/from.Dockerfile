ARG BASE=tiny
ARG TAG=latest
FROM ${BASE}:$TAG AS first
FROM ${NONE:-first}
