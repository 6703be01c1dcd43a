FROM tiny
ENV A=1 \
