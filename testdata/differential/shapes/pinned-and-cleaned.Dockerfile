FROM box AS build
WORKDIR /src
COPY src .
RUN cat *.c > /program && chmod 755 /program
FROM tiny
COPY --from=build /program /usr/bin/program
USER 65534:65534
