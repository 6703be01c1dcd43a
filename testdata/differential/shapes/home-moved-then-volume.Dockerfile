FROM box
RUN mv /root /root_copy
VOLUME /root
