# Golem's usual: a system that the requestor logs into by ssh.
# warnings:
FROM debian:12

RUN apt-get update \
    && apt-get install -y openssh-server iproute2 tcpdump net-tools screen curl \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/*

RUN echo "UseDNS no" >> /etc/ssh/sshd_config && \
    echo "PermitRootLogin yes" >> /etc/ssh/sshd_config && \
    echo "PasswordAuthentication yes" >> /etc/ssh/sshd_config

COPY start.sh /root/start.sh
RUN chmod +x /root/start.sh && mkdir -p /run/sshd

VOLUME /golem/input /golem/output
WORKDIR /golem/work
