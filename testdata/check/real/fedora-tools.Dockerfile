# Tools from another family of systems, with a heredoc.
# warnings:
FROM fedora:40

RUN dnf install -y --setopt=install_weak_deps=False gcc make python3-pip \
    && dnf clean all \
    && rm -rf /var/cache/dnf

RUN <<-SCRIPT
	set -eu
	mkdir -p /opt/tools
	pip3 install --no-cache-dir --prefix=/opt/tools numpy==1.26.4
SCRIPT

COPY <<-"CONFIG" /etc/tools.conf
	prefix=/opt/tools
	threads=$(nproc)
CONFIG

VOLUME ["/golem/work"]
WORKDIR /golem/work
