FROM tiny
ARG OWNER=app
ENV GROUP=staff
COPY --chown=$OWNER:${GROUP} one /a
