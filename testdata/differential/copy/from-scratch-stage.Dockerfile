FROM scratch AS files
COPY one two /
FROM tiny
COPY --from=files / /f/
