FROM box
ENV A=1 B="two words"
RUN env | grep -v -e '^PWD=' -e '^SHLVL=' -e '^HOSTNAME=' -e '^container=' -e '^SOURCE_DATE_EPOCH=' | sort > /env
