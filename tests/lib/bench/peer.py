"""The peer: a small FastAPI server that does the rows of a submit in one transaction, as such a server is usually written."""

import json
import os
import uuid
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request


@asynccontextmanager
async def life(app):
    app.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=life)


@app.post("/v1/applications")
async def submit(request: Request):
    body = await request.json()
    application, event = uuid.uuid4(), "e" * 300
    async with app.state.pool.acquire() as connection, connection.transaction():
        known = await connection.fetchval(
            "SELECT application FROM bench.idempotency WHERE principal = 'p' AND request = $1", uuid.UUID(body["requestId"])
        )
        if known:
            return {"id": str(known)}
        await connection.execute(
            "INSERT INTO bench.application (id, owner, status, form) VALUES ($1, 'p', 'SUBMITTED', $2)", application, json.dumps(body["form"])
        )
        for sequence in (1, 2):
            await connection.execute(
                "INSERT INTO bench.event (id, application, sequence, body) VALUES ($1, $2, $3, $4)", uuid.uuid4(), application, sequence, event
            )
        await connection.execute("INSERT INTO bench.idempotency VALUES ('p', $1, $2)", uuid.UUID(body["requestId"]), application)
    return {"id": str(application), "status": "SUBMITTED", "form": body["form"]}
