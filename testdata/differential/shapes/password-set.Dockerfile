FROM box
RUN echo 'root:$1$abc$0123456789abcdefghijk.' | chpasswd -e; sed -i 's/^app:/renamed:/' /etc/passwd; mkdir -p /run/sshd
