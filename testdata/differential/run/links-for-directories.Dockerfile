FROM linked
COPY --from=box /bin/busybox /bin/busybox
RUN ["/usr/bin/busybox", "sh", "-c", "/bin/busybox mkdir /srv/way/new; echo x > /srv/far/x; /bin/busybox rm /srv/up"]
