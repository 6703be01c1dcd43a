FROM tiny
COPY --exclude=*.log deep/down /a
COPY --exclude=sub --exclude=.hidden dir /b
COPY --exclude=**/*.css --exclude=**/*.js html /c
