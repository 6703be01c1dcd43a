# syntax=docker/dockerfile:1
# escape=\
FROM tiny
ENV A=a\
b
