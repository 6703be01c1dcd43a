# Rendering on Golem: a program with a long list of libraries, and the directories of the task.
# warnings:
FROM ubuntu:22.04

ARG BLENDER_VERSION=3.6
ARG BLENDER_BUILD=3.6.9
ENV DEBIAN_FRONTEND=noninteractive

RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates \
        curl \
        ffmpeg \
        libfreetype6 \
        libgl1 \
        libxi6 \
        libxrender1 \
        xz-utils \
    # only what is needed at run time stays
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/*

RUN mkdir /opt/blender \
    && curl -fsSL -o /tmp/blender.tar.xz "https://download.example.org/release/Blender${BLENDER_VERSION}/blender-${BLENDER_BUILD}-linux-x64.tar.xz" \
    && tar -xJf /tmp/blender.tar.xz -C /opt/blender --strip-components=1 \
    && rm /tmp/blender.tar.xz

COPY render-task.py entrypoints/ /golem/entrypoints/

WORKDIR /golem/work
VOLUME /golem/work /golem/output /golem/resource
