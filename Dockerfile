FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
# Compiled once here: the user below can't write to /app, and every start would compile anew.
RUN python -m compileall -q accounts files previews rapidserve \
    && groupadd --system --gid 10001 rapidserve \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin rapidserve \
    && install -d -m 0700 -o rapidserve -g rapidserve /data

# By number: who runs it can see that it is not root without looking into the image.
USER 10001:10001
ENV RAPIDSERVE_HOME=/data RAPIDSERVE_BIND=0.0.0.0
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s/health/ready' % os.environ.get('RAPIDSERVE_PORT', '8000'), timeout=5)"]
CMD ["python", "manage.py", "serve"]
