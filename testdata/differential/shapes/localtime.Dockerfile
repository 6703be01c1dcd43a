FROM box
RUN mkdir -p /usr/share/zoneinfo && echo tz > /usr/share/zoneinfo/UTC && echo old > /etc/localtime
RUN ln -sf /usr/share/zoneinfo/UTC /etc/localtime
