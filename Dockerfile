# The portal in a container: no Node at run time, not root, nothing written to the image's own files.

FROM node:22-slim AS assets
WORKDIR /portal
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=optional --omit=dev
COPY tools/assets.mjs tools/
COPY static static
RUN node tools/assets.mjs

FROM python:3.11-slim AS packages
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home portal
WORKDIR /portal
COPY --from=packages /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BIND=0.0.0.0:8000 PORTAL_HOME=/home/portal/home \
    GLIBC_TUNABLES=glibc.malloc.hugetlb=1
COPY . .
COPY --from=assets /portal/build/assets build/assets
RUN PORTAL_MODE=demo SECRET_KEY=only-for-collectstatic python manage.py collectstatic --noinput --ignore=src -v0 \
    && install -d -o portal -g portal -m 700 /home/portal/home /home/portal/keys
USER portal
EXPOSE 8000
CMD ["gunicorn"]
