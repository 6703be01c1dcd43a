FROM box
COPY --chmod=755 script.sh /usr/local/bin/
ENTRYPOINT ["script.sh"]
CMD ["--help"]
