from django.db import migrations, models


def open_those_there_are(apps, schema_editor):
    """Until now a batch was open from the moment it was frozen."""
    apps.get_model("annotation", "Batch").objects.update(opened_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [("annotation", "0002_people_transfers_and_rejections")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="opened_at",
            field=models.DateTimeField(
                blank=True, help_text="from then on people are asked for its fields", null=True
            ),
        ),
        migrations.RunPython(open_those_there_are, migrations.RunPython.noop),
    ]
