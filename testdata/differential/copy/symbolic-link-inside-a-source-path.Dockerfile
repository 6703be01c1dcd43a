FROM tiny
COPY links/to-dir/file /file
COPY links/to-dir/ /dir/
