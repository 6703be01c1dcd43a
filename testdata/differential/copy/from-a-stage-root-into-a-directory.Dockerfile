FROM odd AS odd
FROM tiny
COPY --from=odd / /rootfs/
