"""Views of lists under a name, and which of them opens a list."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_api_tokens'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='default_views',
            field=models.JSONField(default=dict, editable=False),
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=200)),
                ('query', models.CharField(blank=True, max_length=2000)),
                ('name', models.CharField(max_length=60)),
                ('is_shared', models.BooleanField(default=False, verbose_name='for everybody')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['path', 'name', 'id'],
                'indexes': [models.Index(fields=['path', 'is_shared'], name='view_of_list')],
                'constraints': [models.UniqueConstraint(fields=('owner', 'path', 'name'), name='one_view_a_name')],
            },
        ),
    ]
