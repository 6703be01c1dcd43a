FROM box
RUN chown 3:4 /; chmod 711 /
