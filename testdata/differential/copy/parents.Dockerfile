FROM tiny
COPY --parents dir/sub/b one /whole/
COPY --parents deep/./down/file /part/
COPY --parents d*/*/b /matched/
