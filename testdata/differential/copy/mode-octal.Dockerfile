FROM tiny
COPY --chmod=4711 one /a
COPY --chmod=600 dir /b
COPY --chmod=0755 script.sh /c
COPY --chmod=000 two /d
