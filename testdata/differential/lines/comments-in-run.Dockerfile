FROM box
RUN echo one > /out && \
# echo two >> /out && \
    echo '# three' >> /out && \
    # four
    echo five \# six >> /out
